import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { isWatched } from "../support/ask-daemon.ts";
import { startHttpService } from "../support/http-service.ts";
import { type Daemon, runCli, type Workspace, waitForFile } from "../support/workspace.ts";
import { makeMinimal } from "./minimal.ts";

const workspaces: Workspace[] = [];
afterEach(async () => {
  await Promise.all(workspaces.splice(0).map(({ remove }) => remove()));
});

async function minimal(files?: Readonly<Record<string, string>>): Promise<Workspace> {
  const workspace = await makeMinimal(files);
  workspaces.push(workspace);
  return workspace;
}

async function start(workspace: Workspace, args: readonly string[] = []): Promise<Daemon> {
  const daemon = workspace.startDaemon({ args: ["--log", "text", ...args] });
  await daemon.waitForLine(/watching .* for 3 services/);
  return daemon;
}

const portLine = (port: number) => `listen ${port};`;

async function setPort(workspace: Workspace, port: number): Promise<void> {
  const text = await workspace.read("config.ini");
  await workspace.saveByRename("config.ini", text.replace(/(\[gateway\]\nport = ).*/, `$1${port}`));
}

/** Of a daemon that was told to end by a signal. */
async function exitCode(daemon: Daemon): Promise<number | null> {
  await expect(daemon.waitForLine(/a line that never comes/)).rejects.toThrow("The daemon ended");
  return daemon.stop();
}

describe("one daemon a workspace", () => {
  const refused = { code: 1, stderr: expect.stringContaining("another config-sync already works on this workspace") };

  test("a second start is refused, and the first goes on", async () => {
    const workspace = await minimal();
    const daemon = await start(workspace);
    const second = await runCli(["start", "-w", workspace.folder, "--json"]);
    expect(second).toMatchObject(refused);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: "DAEMON_RUNNING" } });
    await setPort(workspace, 8099);
    await waitForFile(workspace.at("services/nginx/site.conf"), (text) => text.includes(portLine(8099)));
    expect(await daemon.stop()).toBe(0);
  });

  test("what a killed daemon leaves behind keeps nobody out, and still only one gets in", async () => {
    const workspace = await minimal();
    await (await start(workspace)).kill9();
    expect(existsSync(workspace.at("state/daemon.sock"))).toBe(true);
    const status = await runCli(["status", "--json", "-w", workspace.folder]);
    expect(JSON.parse(status.stdout)).toMatchObject({ daemon: null });
    const daemon = await start(workspace);
    expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 0 });
    expect(await runCli(["start", "-w", workspace.folder])).toMatchObject(refused);
    expect(await daemon.stop()).toBe(0);
  });

  test("a path that no socket address can hold is as good as any", async () => {
    const workspace = await minimal();
    const deep = `${"long-name-".repeat(12)}/state`;
    await workspace.sed(`s|^state: .*|state: ${deep}|`, "config-sync.yaml");
    expect(workspace.at(`${deep}/daemon.sock`).length).toBeGreaterThan(108);
    const daemon = await start(workspace);
    expect(await runCli(["start", "-w", workspace.folder])).toMatchObject(refused);
    const status = await runCli(["status", "--json", "-w", workspace.folder]);
    expect(JSON.parse(status.stdout)).toMatchObject({ daemon: { pid: daemon.pid } });
    await daemon.kill9();
    const next = await start(workspace);
    expect(await next.stop()).toBe(0);
    expect(existsSync(workspace.at(`${deep}/daemon.sock`))).toBe(false);
  });

  test("the socket is for its owner alone, and survives nonsense", async () => {
    const workspace = await minimal();
    const daemon = await start(workspace);
    const { stat } = await import("node:fs/promises");
    expect((await stat(workspace.at("state/daemon.sock"))).mode & 0o777).toBe(0o600);
    expect((await stat(workspace.at("state"))).mode & 0o777).toBe(0o700);
    const { connect } = await import("node:net");
    for (const nonsense of [
      "GET // HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
      "\0\xff\r\n\r\n",
      "POST /reload?service=__proto__ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ]) {
      const socket = connect(workspace.at("state/daemon.sock"));
      socket.on("error", () => undefined);
      const answered = once(socket, "data");
      socket.write(nonsense, "latin1");
      expect(String((await answered)[0])).toMatch(/^HTTP\/1.1 4\d\d/);
      socket.destroy();
    }
    expect(await daemon.stop()).toBe(0);
  });
});

describe("the end of a daemon", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it with 0, and nothing is left", async (signal) => {
    const workspace = await minimal();
    const daemon = await start(workspace);
    process.kill(daemon.pid, signal);
    await daemon.waitForLine(new RegExp(`${signal}: stopping`));
    expect(await exitCode(daemon)).toBe(0);
    expect((await readdir(workspace.at("state"))).toSorted()).toEqual(["audit", "history", "key", "ledger.jsonl"]);
  });

  test("a signal that arrives twice, from the terminal and from npm, is one", async () => {
    const workspace = await minimal();
    const daemon = await start(workspace);
    // Two kinds, because the kernel makes one of two of a kind.
    process.kill(daemon.pid, "SIGINT");
    process.kill(daemon.pid, "SIGTERM");
    expect(await exitCode(daemon)).toBe(0);
  });

  const slow = {
    "templates/slow/service.yaml": `name: slow
outputs: [{ path: services/slow.conf, format: text, template: slow.hbs }]
reload: [{ command: { argv: ["sh", "-c", "touch reloading; exec sleep 60"], timeout: 50s } }]
`,
    "templates/slow/slow.hbs": "port {{gateway.port}}\n",
  };

  test("a reload that hangs does not hold it up", async () => {
    const workspace = await minimal(slow);
    await workspace.sed("s/^services: .*/services: [slow]/", "config-sync.yaml");
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await waitForFile(workspace.at("reloading"), () => true);
    const before = performance.now();
    expect(await daemon.stop()).toBe(0);
    expect(performance.now() - before).toBeLessThan(5000);
  });

  test("a second Ctrl-C ends it at once", async () => {
    const deaf = slow["templates/slow/service.yaml"].replace("exec sleep", "trap '' TERM; sleep");
    const workspace = await minimal({ ...slow, "templates/slow/service.yaml": deaf });
    await workspace.sed("s/^services: .*/services: [slow]/", "config-sync.yaml");
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await waitForFile(workspace.at("reloading"), () => true);
    process.kill(daemon.pid, "SIGINT");
    await daemon.waitForLine(/SIGINT: stopping/);
    // Its time stands still meanwhile: on a busy machine it would else be through before the second thought comes.
    process.kill(daemon.pid, "SIGSTOP");
    await sleep(200);
    process.kill(daemon.pid, "SIGINT");
    process.kill(daemon.pid, "SIGCONT");
    expect(await exitCode(daemon)).toBe(130);
  });

  test("killed at any moment of a stream of edits, it comes back with the newest everywhere", async () => {
    const workspace = await minimal();
    for (let round = 0; round < 20; round++) {
      const daemon = workspace.startDaemon({ args: ["--log", "text"] });
      if (round % 2 === 0) await daemon.waitForLine(/watching/);
      await setPort(workspace, 9000 + round);
      await workspace.sed(`s/^db_password = .*/db_password = pw${round}${"x".repeat(round * 500)}/`, "config.ini");
      await sleep(round * 4); // the moment of death, spread over the work
      await daemon.kill9();
    }
    const daemon = await start(workspace);
    expect(await runCli(["wait", "--all", "--timeout", "10s", "-w", workspace.folder])).toMatchObject({ code: 0 });
    expect(daemon.lines.join("\n")).not.toMatch(/torn|another version/);
    const password = `pw19${"x".repeat(9500)}`;
    expect(await workspace.read("services/nginx/site.conf")).toContain(portLine(9019));
    expect(await workspace.read("services/app/.env")).toContain(password);
    expect(await workspace.read("services/app/settings.json")).toContain(password);
    // The audit log is put in order with its next entry, and an edit by hand is on record a moment after it is live.
    const left = async () =>
      (await readdir(workspace.folder, { recursive: true })).filter((name) => name.includes(".config-sync-"));
    await expect.poll(left).toEqual([]);
    expect(await daemon.stop()).toBe(0);
    expect(await runCli(["plan", "-w", workspace.folder])).toMatchObject({ code: 0 });
  });
});

describe("retry", () => {
  /** Ill on port 8666, until `mend` is called; `stop` ends what answers for it. */
  async function fragile() {
    let isMended = false;
    const health = () => ({ status: isMended || !text().includes("8666") ? 200 : 503 });
    const server = await startHttpService({ "/health": health, "/reload": {} });
    const workspace = await minimal({
      "templates/fragile/service.yaml": `name: fragile
outputs: [{ path: services/fragile.conf, format: text, template: fragile.hbs }]
reload: [{ http: { url: "${server.url}/reload" } }]
probe: { http: { url: "${server.url}/health" }, backoff: { initial: 10ms, max: 20ms, give_up: 100ms } }
`,
      "templates/fragile/fragile.hbs": "port {{gateway.port}}\n",
    });
    const text = () => readFileSync(workspace.at("services/fragile.conf"), "utf8");
    await workspace.sed("s/^services: .*/services: [fragile]/", "config-sync.yaml");
    const mend = () => {
      isMended = true;
    };
    const reloads = () => server.seen.filter(({ path }) => path === "/reload").length;
    return { workspace, text, mend, reloads, stop: server.stop };
  }

  test.each([
    ["the daemon", true],
    ["the command where there is no daemon", false],
  ])("has %s try a change again that was given up, when its reason is mended", async (_, withDaemon) => {
    const { workspace, text, mend, reloads, stop } = await fragile();
    const retry = () => runCli(["retry", "fragile", "--json", "-w", workspace.folder]);
    const state = (stdout: string) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "").services[0].state;
    expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 0 });
    const daemon = withDaemon ? workspace.startDaemon({ args: ["--log", "text"] }) : undefined;
    await daemon?.waitForLine(/watching/);
    await setPort(workspace, 8666);
    const applied = await runCli(["apply", "--json", "-w", workspace.folder]);
    expect({ code: applied.code, state: state(applied.stdout) }).toEqual({ code: 1, state: "rolled-back" });
    expect(text()).not.toContain("8666");

    const vain = await retry();
    expect({ code: vain.code, state: state(vain.stdout) }).toEqual({ code: 1, state: "rolled-back" });
    expect(vain.stdout).toContain('"step":"rolling-back"');
    expect(text()).not.toContain("8666");

    mend();
    const again = await retry();
    expect({ code: again.code, state: state(again.stdout) }).toEqual({ code: 0, state: "healthy" });
    expect(text()).toBe("port 8666\n");
    const reloaded = reloads();
    expect(await retry()).toMatchObject({ code: 0 });
    expect(reloads()).toBe(reloaded);
    if (daemon !== undefined) expect(await daemon.stop()).toBe(0);
    await stop();
  });

  test("has what waits for its next try tried now", async () => {
    const { workspace, text, stop } = await fragile();
    await stop();
    await workspace.saveByRename(
      "config-sync.yaml",
      `${await workspace.read("config-sync.yaml")}\nsync: { retry_first: 1h, retry_longest: 1h }\n`,
    );
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/fragile +waiting:.*again in/);
    const from = daemon.lines.length;
    const { code, stdout } = await runCli(["retry", "fragile", "-w", workspace.folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/fragile +reloading:[\s\S]*fragile +waiting:/);
    await daemon.waitForLine(/fragile +waiting:/, from);
    expect(text()).toContain("port");
    expect(await daemon.stop()).toBe(0);
  });

  test("knows its services, with a daemon and without", async () => {
    const workspace = await minimal();
    const unknown = {
      code: 1,
      stderr: expect.stringContaining('there is no service "nope" here. There are: '),
    };
    expect(await runCli(["retry", "nope", "-w", workspace.folder])).toMatchObject(unknown);
    const daemon = await start(workspace);
    expect(await runCli(["retry", "nope", "-w", workspace.folder])).toMatchObject(unknown);
    expect(await daemon.stop()).toBe(0);
  });
});

describe("commands beside a daemon that goes away", () => {
  test("apply says so when the daemon dies in the middle", async () => {
    const workspace = await minimal({
      "templates/slow/service.yaml": `name: slow
outputs: [{ path: services/slow.conf, format: text, template: slow.hbs }]
reload: [{ command: { argv: ["sh", "-c", "touch reloading; exec sleep 60"], timeout: 50s } }]
`,
      "templates/slow/slow.hbs": "port {{gateway.port}}\n",
    });
    await workspace.sed("s/^services: .*/services: [slow]/", "config-sync.yaml");
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await waitForFile(workspace.at("reloading"), () => true);
    await daemon.waitForLine(/watching/);
    const applying = runCli(["apply", "-w", workspace.folder]);
    await isWatched(workspace);
    await daemon.kill9();
    expect(await applying).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: the daemon ended .*\n$/),
    });
  });

  test("a socket on which something else listens is not taken for a daemon", async () => {
    const workspace = await minimal();
    await mkdir(workspace.at("state"));
    const server = createServer((socket) => socket.end("hello\n")).listen(workspace.at("state/daemon.sock"));
    await once(server, "listening");
    const answer = await runCli(["status", "-w", workspace.folder]);
    expect(answer).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: what answers on .* is no daemon.*\n$/),
    });
    server.close();
  });
});

describe("the state folder", () => {
  test("a torn last line of the ledger costs nothing but itself", async () => {
    const workspace = await minimal();
    expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 0 });
    const ledger = await readFile(workspace.at("state/ledger.jsonl"), "utf8");
    await writeFile(workspace.at("state/ledger.jsonl"), `${ledger}{"service":"demo-app","rec`);
    const applied = await runCli(["apply", "-w", workspace.folder]);
    expect(applied).toMatchObject({ code: 0, stdout: expect.stringContaining("was torn and is dropped") });
  });

  test("a lost key or ledger costs one round, and no question", async () => {
    const workspace = await minimal();
    for (const file of ["state/key", "state/ledger.jsonl"]) {
      expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 0 });
      await unlink(workspace.at(file));
    }
    expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 0 });
    expect(await runCli(["plan", "-w", workspace.folder])).toMatchObject({ code: 0 });
  });
});
