/** What somebody else does to the outputs: seen by the watch, and without one within a period; repaired, reported or adopted. */
import { lstatSync, readFileSync } from "node:fs";
import { appendFile, chmod, chown, mkdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ServiceStatus } from "../../src/sync/status.ts";
import { askStatus } from "../support/ask-daemon.ts";
import { type Daemon, makeWorkspace, runCli, type Workspace } from "../support/workspace.ts";
import { patience, reloads } from "./support/noting.ts";

/** Each is done to a service of its own, for what is changed again and again is put right more slowly. */
const deeds = {
  edited: (file: string) => writeFile(file, "port 8\n"),
  appended: (file: string) => appendFile(file, "more\n"),
  renamed: async (file: string) => {
    await writeFile(`${file}.new`, "port 8\n");
    await rename(`${file}.new`, file);
  },
  emptied: (file: string) => writeFile(file, ""),
  deleted: (file: string) => rm(file),
  linked: async (file: string) => {
    await writeFile(`${file}.other`, "port 9\n");
    await rm(file);
    await symlink(`${file}.other`, file);
  },
  cleared: (file: string) => rm(folderOf(file), { recursive: true }),
  remoded: (file: string) => chmod(file, 0o666),
  reowned: (file: string) => chown(file, 3456, 4567),
};
type Deed = keyof typeof deeds;
const names = Object.keys(deeds) as Deed[];
/** What the service need not be told, for it has read the file. */
const silent: readonly Deed[] = ["remoded", "reowned"];

const folderOf = (file: string): string => file.replace(/\/[^/]*$/, "");
const right = "port 80\n";

describe.each([
  { how: "by the watch", sync: "check_every: 10m, look_every: 10m", env: {} },
  {
    how: "within a period, where nothing can be watched",
    sync: "check_every: 200ms, look_every: 200ms",
    env: { NODE_OPTIONS: `--import=${new URL("support/no-watch.ts", import.meta.url).pathname}` },
  },
])("a file that somebody else touched is put right $how", ({ sync, env }) => {
  let workspace: Workspace;
  let daemon: Daemon;
  const kept = 'mode: "0640", owner: "1234:2345"';

  beforeAll(async () => {
    workspace = await makeWorkspace({
      "config.ini": "[web]\nport = 80\n",
      ...settings([...names, "led-away", "covered"], sync),
      ...Object.assign({}, ...[...names, "led-away", "covered"].map((name) => service(name, kept))),
    });
    daemon = workspace.startDaemon({ env });
    for (const name of names) await becomes(name, { state: "healthy" });
  });
  afterAll(async () => {
    await daemon?.stop();
    await workspace?.remove();
  });

  const file = (name: string): string => workspace.at(`services/${name}/it.conf`);
  const becomes = (name: string, wanted: Partial<Record<keyof ServiceStatus, unknown>>): Promise<void> =>
    vi.waitFor(async () => expect(await statusOf(workspace, name)).toMatchObject(wanted), patience);
  const isRight = (name: string): Promise<void> =>
    vi.waitFor(async () => {
      expect(readFileSync(file(name), "utf8")).toBe(right);
      const { mode, uid, gid } = await stat(file(name));
      expect([mode & 0o7777, uid, gid]).toEqual([0o640, 1234, 2345]);
    }, patience);

  test.each(names)("%s", async (name) => {
    const before = reloads(workspace, name);
    await deeds[name](file(name));
    await isRight(name);
    await becomes(name, { state: "healthy", drift: false, trouble: null });
    await daemon.waitForLine(new RegExp(`${name} +changed by somebody else: .*${name}/it.conf`));
    expect(reloads(workspace, name) - before).toBe(silent.includes(name) ? 0 : 1);
  });

  test("a link that leads away is not followed, is told, and the file comes back when the link is gone", async () => {
    await writeFile(workspace.at("foreign"), "not ours\n");
    await rm(file("led-away"));
    await symlink(workspace.at("foreign"), file("led-away"));
    await daemon.waitForLine(/led-away +refused, nothing changed: .*leads to .*foreign, outside/);
    await becomes("led-away", { state: "refused", trouble: expect.objectContaining({ code: "PATH_FORBIDDEN" }) });
    expect(await workspace.read("foreign")).toBe("not ours\n");
    await rm(file("led-away"));
    await isRight("led-away");
    await daemon.waitForLine(/led-away +refused, nothing changed: .*leads to .*foreign, outside/);
    await becomes("led-away", { state: "healthy", trouble: null });
    expect(lstatSync(file("led-away")).isFile()).toBe(true);
    expect(await workspace.read("foreign")).toBe("not ours\n");
  });

  test("a folder in the place of the file is told, and the file comes back when the folder is gone", async () => {
    await rm(file("covered"));
    await mkdir(file("covered"));
    await daemon.waitForLine(/covered +(refused|waiting).*is a folder/);
    await becomes("covered", { trouble: expect.objectContaining({ message: expect.stringMatching(/is a folder/) }) });
    await rm(file("covered"), { recursive: true });
    await isRight("covered");
    await becomes("covered", { state: "healthy", trouble: null });
  });
});

describe("by the manifest", () => {
  let workspace: Workspace;
  let daemon: Daemon;
  const names = ["reporting", "adopting"];
  const config = "# the ports\n[web]\n; as ever\nport: 80\nname = shop\n";

  beforeAll(async () => {
    workspace = await makeWorkspace({
      "config.ini": config,
      ...settings(names, "check_every: 10m, look_every: 10m"),
      ...service("reporting", "drift: report"),
      ...service("adopting", "format: ini:gitea, merge: true, drift: adopt", "PORT = {{web.port}}\n"),
    });
    daemon = workspace.startDaemon();
    for (const name of names) await becomes(name, { state: "healthy" });
  });
  afterAll(async () => {
    await daemon?.stop();
    await workspace?.remove();
  });

  const becomes = (name: string, wanted: Partial<Record<keyof ServiceStatus, unknown>>): Promise<void> =>
    vi.waitFor(async () => expect(await statusOf(workspace, name)).toMatchObject(wanted), patience);

  test("it stays and is reported until it is undone", async () => {
    await workspace.saveByRename("services/reporting/it.conf", "port 8\n");
    await daemon.waitForLine(/reporting +changed by somebody else: .*reporting\/it.conf/);
    await becomes("reporting", { state: "drifted", drift: true });
    expect(await workspace.read("services/reporting/it.conf")).toBe("port 8\n");
    expect(reloads(workspace, "reporting")).toBe(1);
    await workspace.saveByRename("services/reporting/it.conf", right);
    await becomes("reporting", { state: "healthy", drift: false });
    expect(reloads(workspace, "reporting")).toBe(1);
  });

  test("it becomes a revision of the configuration, in config.ini as a person would write it", async () => {
    await workspace.saveInPlace("services/adopting/it.conf", "; by hand\nPORT = 8080\n");
    await vi.waitFor(async () => expect(await workspace.read("config.ini")).toContain("8080"), patience);
    await vi.waitFor(
      async () => expect(await workspace.read("services/reporting/it.conf")).toBe("port 8080\n"),
      patience,
    );
    for (const name of names) await becomes(name, { state: "healthy", desired: 2, live: 2, drift: false });
    expect(await workspace.read("config.ini")).toBe(config.replace("80", "8080"));
    expect(await workspace.read("services/adopting/it.conf")).toBe("; by hand\nPORT = 8080\n");
    const { stdout } = await runCli(["history", "--json", "-w", workspace.folder]);
    expect(JSON.parse(stdout).revisions).toMatchObject([
      { number: 2, author: "drift", message: "adopted from services/adopting/it.conf" },
      { number: 1 },
    ]);
    const undone = await runCli(["rollback", "1", "-w", workspace.folder]);
    expect(undone).toMatchObject({ code: 0 });
    expect(await workspace.read("config.ini")).toBe(config);
    await vi.waitFor(
      async () => expect(await workspace.read("services/adopting/it.conf")).toBe("; by hand\nPORT = 80\n"),
      patience,
    );
  });
});

async function statusOf(workspace: Workspace, name: string): Promise<ServiceStatus | undefined> {
  return (await askStatus(workspace)).services.find((one) => one.name === name);
}

function settings(names: readonly string[], sync: string): Record<string, string> {
  return {
    "config-sync.yaml": `sources: [{ file: config.ini }]
services: [${names.join(", ")}]
roots: [services]
sync: { retry_first: 50ms, retry_longest: 200ms, ${sync} }
log: { format: text }
`,
  };
}

/** A service that notes each reload. */
function service(name: string, more: string, template = "port {{web.port}}\n"): Record<string, string> {
  const format = more.includes("format:") ? "" : "format: text, ";
  return {
    [`templates/${name}/service.yaml`]: `name: ${name}
outputs: [{ path: services/${name}/it.conf, ${format}template: it.hbs, ${more} }]
reload: [{ command: { argv: ["sh", "-c", "echo >> ${name}.reloads"] } }]
`,
    [`templates/${name}/it.hbs`]: template,
  };
}
