/**
 * A service that writes into the file that we keep: Gitea, which at its start reads its app.ini, adds its own keys and writes all of
 * it anew in its own layout. Its keys are its own, its layout is no drift, and a change costs one restart, however often the daemon
 * looks: here it looks hundreds of times in the time of one test.
 */
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { giteaIni } from "../../src/formats/ini/gitea.ts";
import type { ServiceStatus } from "../../src/sync/status.ts";
import { askDaemon, askStatus } from "../support/ask-daemon.ts";
import { freePort, type SupervisordServer, startSupervisord } from "../support/supervisord.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../support/workspace.ts";

interface Values {
  readonly name: string;
  readonly level?: string;
  readonly lfs?: boolean;
}

const patience = { timeout: 15_000, interval: 20 };
/** The keys that the stand-in makes for itself. */
const made = ["security.INTERNAL_TOKEN", "oauth2.JWT_SECRET"];

describe("a service that rewrites its own file at every start", () => {
  let workspace: Workspace;
  let supervisord: SupervisordServer;
  let daemon: Daemon;
  let port: number;
  let secrets: Readonly<Record<string, string | undefined>>;

  beforeAll(async () => {
    supervisord = await startSupervisord({});
    port = await freePort();
    workspace = await makeWorkspace(files(supervisord, port));
    await mkdir(workspace.at("services"), { recursive: true });
    await writeFile(appIni(), installed);
    await supervisord.write({ gitea: { command: standIn(appIni(), port) } });
    await supervisord.down();
    await supervisord.up();
    await vi.waitFor(async () => expect((await running())["oauth2.JWT_SECRET"]).toMatch(/^[\w-]{43}$/), patience);
    secrets = pick(await running(), made);
    daemon = workspace.startDaemon();
    await lives({ name: "first" });
  });
  afterAll(async () => {
    await daemon?.stop();
    await workspace?.remove();
    await supervisord?.stop();
  });

  const appIni = (): string => workspace.at("services/app.ini");
  const inFile = (): Readonly<Record<string, string>> =>
    Object.fromEntries(giteaIni.read(readFileSync(appIni(), "utf8")).map(({ path, value }) => [path.join("."), value]));
  /** The names that it read, start by start. */
  const starts = (): string[] => readFileSync(workspace.at("services/starts"), "utf8").trimEnd().split("\n");

  async function running(): Promise<Readonly<Record<string, string>>> {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) });
    return (await answer.json()) as Record<string, string>;
  }

  async function status(): Promise<ServiceStatus | undefined> {
    return (await askStatus(workspace)).services[0];
  }

  async function look(times: number): Promise<void> {
    for (let i = 0; i < times; i++) await askDaemon(workspace, "POST", "/apply");
  }

  const save = (values: Values): Promise<void> => workspace.saveByRename("config.ini", configIni(values));

  const becomes = (state: ServiceStatus["state"]): Promise<void> =>
    vi.waitFor(async () => expect(await status()).toMatchObject({ state, retryAt: null, drift: false }), patience);

  /** Waits until it runs on these values, and its file has them in its own layout. */
  async function lives({ name, level = "info" }: Values): Promise<void> {
    const wanted = { "DEFAULT.APP_NAME": name, "log.LEVEL": level };
    await vi.waitFor(async () => expect(await running()).toMatchObject(wanted), patience);
    await becomes("healthy");
    expect(inFile()).toMatchObject(wanted);
  }

  test("keeps its own keys, and comments, in the layout that it likes", () => {
    expect(inFile()).toMatchObject({
      ...secrets,
      "DEFAULT.RUN_USER": "git",
      "server.SSH_PORT": "22",
      "server.LOCAL_ROOT_URL": `http://localhost:${port}/`,
      "security.SECRET_KEY": "s3cr#t",
    });
    expect(readFileSync(appIni(), "utf8")).toContain("\n; the port inside\nHTTP_PORT = 3000\n# ssh\nSSH_PORT = 22\n");
  });

  test("is restarted once for a change, and not for what it writes itself", async () => {
    for (const name of ["second", "Team #1; the `best`", "it's a name", "last"]) {
      const before = starts().length;
      await save({ name });
      await lives({ name });
      await look(50);
      expect(starts().slice(before)).toEqual([name]);
      expect(inFile()).toMatchObject(secrets);
    }
  });

  test("is not restarted when the daemon is", async () => {
    const before = starts();
    await daemon.stop();
    daemon = workspace.startDaemon();
    await becomes("healthy");
    await look(50);
    expect(starts()).toEqual(before);
  });

  test("ends on the newest value, though it writes the one before over it", async () => {
    const before = starts().length;
    await writeFile(workspace.at("services/hold"), "");
    await save({ name: "overtaken" });
    await vi.waitFor(() => expect(starts()).toHaveLength(before + 1), patience);
    // It has read its file, and does not write it before ours is there.
    await save({ name: "newest" });
    await vi.waitFor(() => expect(inFile()).toMatchObject({ "DEFAULT.APP_NAME": "newest" }), patience);
    await rm(workspace.at("services/hold"));
    await lives({ name: "newest" });
    await look(50);
    expect(starts().slice(before)).toEqual(["overtaken", "overtaken", "newest"]);
    expect(inFile()).toMatchObject(secrets);
  });

  test("is put right three times where it damages a value itself, then once a minute, and the log says so", async () => {
    const before = starts().length;
    await save({ name: '"quoted"' });
    await daemon.waitForLine(/waiting: something changes its files again and again.* once a minute/);
    await look(50);
    expect(await status()).toMatchObject({ drift: true });
    expect(starts().length - before).toBeLessThanOrEqual(4);
    await save({ name: "unquoted" });
    await lives({ name: "unquoted" });
  });

  test("keeps its own keys through a change that is taken back, also those that it made on it", async () => {
    await save({ name: "well" });
    await lives({ name: "well" });
    const before = starts().length;
    await save({ name: "unwell", level: "broken", lfs: true });
    await becomes("rolled-back");
    await look(50);
    expect(starts().slice(before)).toEqual(["unwell", "well"]);
    expect(inFile()).toMatchObject({ ...secrets, "DEFAULT.APP_NAME": "well", "log.LEVEL": "info" });
    expect(inFile()).not.toHaveProperty(["server.LFS_START_SERVER"]);
    expect(inFile()).toHaveProperty(["server.LFS_JWT_SECRET"], expect.stringMatching(/^[\w-]{43}$/));
    await save({ name: "well again" });
    await lives({ name: "well again" });
    expect(inFile()).toMatchObject(secrets);
  });
});

const pick = (from: Readonly<Record<string, string>>, keys: readonly string[]) =>
  Object.fromEntries(keys.map((key) => [key, from[key]]));

function standIn(file: string, port: number): string {
  return `${process.execPath} ${join(import.meta.dirname, "support/rewriting-gitea.ts")} ${file} --port ${port}`;
}

/** What an installer left: not in Gitea's layout, and without the keys that it makes for itself. */
const installed = `; made by the installer
APP_NAME=Gitea
RUN_USER=git

[server]
HTTP_PORT=3000 ; the port inside
#ssh
SSH_PORT: 22
[security]
INSTALL_LOCK=true
SECRET_KEY=\`s3cr#t\`
`;

function configIni({ name, level = "info", lfs = false }: Values): string {
  return `[gitea]\napp_name = ${name}\nlog_level = ${level}\n${lfs ? "lfs = true\n" : ""}`;
}

function files(supervisord: SupervisordServer, port: number): Record<string, string> {
  return {
    "config.ini": configIni({ name: "first" }),
    "config-sync.yaml": `sources: [{ file: config.ini }]
services: [gitea]
roots: [services]
supervisord: { url: "${supervisord.url}" }
sync: { check_every: 20ms, settle: { min: 0ms, max: 0ms } }
api: { listen: [] }
log: { format: text }
`,
    "templates/gitea/service.yaml": `name: gitea
outputs: [{ path: services/app.ini, format: "ini:gitea", template: app.ini.hbs, merge: true }]
reload: [{ supervisord: { program: gitea, action: restart } }]
probe:
  http: { url: "http://127.0.0.1:${port}/api/healthz" }
  backoff: { initial: 20ms, max: 100ms, give_up: 2s }
`,
    "templates/gitea/app.ini.hbs": `APP_NAME = {{gitea.app_name}}

[server]
{{#if gitea.lfs}}
LFS_START_SERVER = {{boolean gitea.lfs}}
{{/if}}

[log]
LEVEL = {{gitea.log_level}}
`,
  };
}
