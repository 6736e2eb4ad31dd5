/** The commands ask the API: that of a daemon, or without one that of their own process. The answers are the same. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { serveControl } from "../../src/api/control-server.ts";
import { ConfigSyncError } from "../../src/errors.ts";
import { type Daemon, makeWorkspace, runCli, type Workspace } from "../support/workspace.ts";

const main = path.join(import.meta.dirname, "../../src/main.ts");

const settings = `sources: [{ file: config.ini }]
services: [web, broken]
roots: [services]
sync: { retry_first: 50ms, retry_longest: 100ms }
log: { format: text }
api: { listen: ["127.0.0.1:0"] }
`;
const files = {
  "config-sync.yaml": settings,
  "config.ini": "[web]\nport = 8080\npassword = hunter2-planted\n",
  "templates/web/service.yaml": `name: web
outputs: [{ path: services/web.conf, format: text, template: web.hbs }]
reload: [{ command: { argv: [sh, -c, "echo >> reloads; while test -e slow; do sleep 0.02; done"] } }]
`,
  "templates/web/web.hbs": "port {{web.port}} {{{web.password}}}\n",
  "templates/broken/service.yaml": `name: broken
outputs: [{ path: services/broken.conf, format: text, template: broken.hbs }]
`,
  "templates/broken/broken.hbs": "{{web.missing}}\n",
};

const workspaces: Workspace[] = [];
afterEach(async () => {
  await Promise.all(workspaces.splice(0).map(({ remove }) => remove()));
});

/** Everything that can be done is done, so that nothing moves while it is looked at. */
async function settled(): Promise<Workspace> {
  const workspace = await makeWorkspace(files);
  workspaces.push(workspace);
  expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 1 });
  return workspace;
}

async function start(workspace: Workspace): Promise<Daemon> {
  const daemon = workspace.startDaemon();
  await daemon.waitForLine(/watching/);
  expect(await runCli(["wait", "web", "-w", workspace.folder])).toMatchObject({ code: 0 });
  return daemon;
}

async function ask(workspace: Workspace, ...command: string[]) {
  const { code, stdout } = await runCli([...command, "--json", "-w", workspace.folder]);
  return { code, said: JSON.parse(stdout) };
}

const looks = [["plan"], ["validate"], ["validate", "--strict"], ["explain", "web"], ["explain", "web.port"]];
const errors = [
  ["explain", "web.prot"],
  ["explain", ".."],
  ["explain", "a/b"],
  ["reload", "nope"],
  ["retry", "nope"],
];

async function askAll(workspace: Workspace, commands: readonly string[][]) {
  const answers: Record<string, unknown> = {};
  for (const command of commands) answers[command.join(" ")] = await ask(workspace, ...command);
  return answers;
}

describe("with a daemon and without", () => {
  test("the answers are the same, and so are the exit codes", async () => {
    const workspace = await settled();
    const commands = [...looks, ...errors, ["status"]];
    const alone = await askAll(workspace, commands);
    const daemon = await start(workspace);
    const asked = await askAll(workspace, commands);
    expect(await daemon.stop()).toBe(0);
    for (const answers of [alone, asked]) expect(JSON.stringify(answers)).not.toContain("hunter2");
    expect(asked.status).toMatchObject({ said: { daemon: { pid: daemon.pid } } });
    expect(withoutMoments(asked)).toEqual(withoutMoments(alone));
    expect(alone).toMatchObject({
      plan: { code: 1, said: { services: [{ verdict: "current" }, { verdict: "refused" }] } },
      validate: { code: 1, said: { ok: false, findings: [{ code: "VALUE_MISSING" }, { severity: "warning" }] } },
      "explain web.port": { code: 0, said: [{ usedBy: [{ service: "web" }], unknown: ["broken"] }] },
      "explain web.prot": { code: 1, said: { error: { code: "NOT_FOUND" } } },
    });
  });

  test("a file that cannot be used is told of, and not what was read before it", async () => {
    const workspace = await settled();
    const broken = "[web]\nport = 8080\nport = 8081\n";
    const daemon = await start(workspace);
    await workspace.saveByRename("config.ini", broken);
    const asked = await askAll(workspace, looks);
    expect(await daemon.stop()).toBe(0);
    expect(asked).toEqual(await askAll(workspace, looks));
    expect(asked).toMatchObject({
      plan: { code: 1, said: { error: { code: "SOURCE_INVALID", file: "config.ini", line: 3 } } },
      validate: { code: 1, said: { findings: [{ code: "SOURCE_INVALID", line: 3 }, { severity: "warning" }] } },
    });
  });

  test("a history that cannot be used is told of by status, and stands against no file", async () => {
    const workspace = await settled();
    const env = { PATH: workspace.folder };
    for (const [command, code] of [
      ["plan", 1],
      ["explain web", 0],
      ["status", 0],
    ] as const)
      expect(await runCli([...command.split(" "), "-w", workspace.folder], { env })).toMatchObject({ code });
    const { stdout } = await runCli(["validate", "--json", "-w", workspace.folder], { env });
    expect(stdout).not.toContain("HISTORY_UNUSABLE");
    expect(JSON.parse(stdout)).toEqual((await ask(workspace, "validate")).said);
    expect((await runCli(["status", "-w", workspace.folder], { env })).stdout).toContain("git is not installed");
  });

  test("those who may ask from elsewhere are nothing to the owner, also where their file is broken", async () => {
    const workspace = await settled();
    await workspace.saveByRename("state/access.json", "{torn");
    const commands = [["status"], ["plan"], ["validate"], ["reload", "web"], ["get", "web.port"]];
    const askCodes = async () =>
      Promise.all(commands.map(async (one) => (await runCli([...one, "-w", workspace.folder])).code));
    const alone = await askCodes();
    expect(alone).toEqual([0, 1, 1, 0, 0]);
    const daemon = workspace.startDaemon({ listens: true });
    await daemon.waitForLine(/access\.json is not complete JSON/);
    expect(await askCodes()).toEqual(alone);
    await rm(workspace.at("state/access.json"));
    await daemon.waitForLine(/listening on http/);
    expect(await daemon.stop()).toBe(0);
  });

  test("work is on record in the same way", async () => {
    const workspace = await settled();
    const entries = async () => {
      const { said } = await ask(workspace, "audit", "list", "--limit", "2");
      return said.entries.map(({ what, from, who, target, outcome }: Record<string, unknown>) => {
        return { what, from, who, target, outcome };
      });
    };
    const work = async () => {
      await runCli(["apply", "-w", workspace.folder]);
      await runCli(["reload", "web", "-w", workspace.folder]);
      return entries();
    };
    const alone = await work();
    const daemon = await start(workspace);
    expect(await work()).toEqual(alone);
    expect(alone).toMatchObject([{ what: "reload", target: "web", outcome: "done" }, { what: "apply" }]);
    expect(await daemon.stop()).toBe(0);
  });
});

describe("a daemon that runs on what it read before", () => {
  test("is told of by validate, which looks at the files as they are now", async () => {
    const workspace = await settled();
    const daemon = await start(workspace);
    await workspace.saveByRename("config-sync.yaml", settings.replace("[web, broken]", "[web]"));
    await workspace.saveByRename("config.ini", files["config.ini"].replace("8080", "8099"));
    const asked = await ask(workspace, "validate");
    expect(asked.said.findings.at(-1)).toEqual({
      severity: "warning",
      text: expect.stringMatching(/the daemon still runs on what it read before \(gone: broken\)\. Send it SIGHUP/),
    });
    process.kill(daemon.pid, "SIGHUP");
    await daemon.waitForLine(/read again/);
    const after = await ask(workspace, "validate");
    expect(asked).toEqual({
      code: 0,
      said: { ok: true, findings: [...after.said.findings, asked.said.findings.at(-1)] },
    });
    expect(await daemon.stop()).toBe(0);
    expect(await ask(workspace, "validate")).toEqual(after);
  });

  test("answers while the settings cannot be read; validate says what is wrong with them, and with the values", async () => {
    const workspace = await settled();
    const daemon = await start(workspace);
    await workspace.saveByRename("config-sync.yaml", "services: nonsense\n");
    await workspace.saveByRename("config.ini", "[web]\nport\n");
    expect(await ask(workspace, "status")).toMatchObject({ code: 0, said: { daemon: { pid: daemon.pid } } });
    const { code, said } = await ask(workspace, "validate");
    expect(code).toBe(1);
    expect(said.findings.map(({ code }: { code: string }) => code).slice(0, 2)).toEqual([
      "SETTINGS_INVALID",
      "SOURCE_INVALID",
    ]);
    expect(await daemon.stop()).toBe(0);
    expect(await ask(workspace, "validate")).toMatchObject({ code: 1, said: { findings: [said.findings[0]] } });
    expect(await ask(workspace, "status")).toMatchObject({ code: 1, said: { error: { code: "SETTINGS_INVALID" } } });
  });
});

test("progress is shown while the daemon works", async () => {
  const workspace = await settled();
  const daemon = await start(workspace);
  await workspace.saveByRename("slow", "");
  const reloading = spawn(process.execPath, [main, "reload", "web", "-w", workspace.folder], { stdio: "pipe" });
  const shown = Promise.all([text(reloading.stdout), once(reloading, "exit")]);
  const [first] = await once(reloading.stdout, "data");
  expect(String(first)).toMatch(/web +(writing|reloading)/);
  expect(reloading.exitCode).toBeNull();
  await rm(workspace.at("slow"));
  expect(await shown).toEqual([expect.stringMatching(/web +healthy/), [0, null]]);
  expect(await daemon.stop()).toBe(0);
});

test("wait outlasts another command that has the workspace to itself, and so does status", async () => {
  const workspace = await settled();
  const held = await serveControl(workspace.at("state/daemon.sock"), async () => {
    throw new ConfigSyncError("DAEMON_RUNNING", "another command is at work");
  });
  expect(await runCli(["wait", "--timeout", "500ms", "-w", workspace.folder])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("not ready in time: no daemon answers"),
  });
  const asking = runCli(["status", "-w", workspace.folder]);
  await sleep(500); // until it has asked, most likely; where it has not, it meets no obstacle
  await held[Symbol.asyncDispose]();
  expect(await asking).toMatchObject({ code: 0, stdout: expect.stringContaining("no daemon runs") });
});

test("status and wait beside a daemon load neither the schemas nor the server", async () => {
  const workspace = await settled();
  const daemon = await start(workspace);
  const hook = `import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) {
  const found = next(name, context);
  if (/node_modules\\/(zod|fastify)\\//.test(found.url)) process.stderr.write("loads " + found.url + "\\n");
  return found;
} });`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
  for (const command of [["status"], ["wait"], ["plan"], ["get", "web.port"]])
    expect(await runCli([...command, "-w", workspace.folder], { env })).toMatchObject({ stderr: "" });
  expect(await daemon.stop()).toBe(0);
  expect((await runCli(["status", "-w", workspace.folder], { env })).stderr).toContain("loads ");
});

/** What depends on when it was asked, and by whom. */
function withoutMoments(answers: unknown): unknown {
  return JSON.parse(JSON.stringify(answers), (key, value) => (["daemon", "at", "since"].includes(key) ? null : value));
}
