import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { accessFile, openAccess } from "../../../src/access/open.ts";
import { type PageServer, servePage } from "../../support/chromium.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../../support/workspace.ts";
import { type Client, connect } from "../../unit/api/ws-bed.ts";

let workspace: Workspace | undefined;
let pages: PageServer[] = [];

afterEach(async () => {
  await Promise.all(pages.map(({ close }) => close()));
  pages = [];
  await workspace?.remove();
  workspace = undefined;
});

interface Running {
  readonly daemon: Daemon;
  readonly workspace: Workspace;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly key: string;
  readonly open: (app?: string) => Promise<Client>;
  readonly ask: (method: string, path: string, body?: unknown) => Promise<void>;
  /** Of the app `default`. */
  readonly put: (section: string, values: object) => Promise<void>;
}

async function start(
  configIni: string,
  settings: readonly string[] = [],
  source = "protected: false",
): Promise<Running> {
  const yaml = [
    `sources: [{ file: config.ini, ${source} }]`,
    "services: []",
    "roots: [.]",
    "api:",
    '  listen: ["127.0.0.1:0"]',
  ];
  const made = await makeWorkspace({
    "config.ini": configIni,
    "config-sync.yaml": `${[...yaml, ...settings.map((line) => `  ${line}`)].join("\n")}\n`,
  });
  workspace = made;
  const access = await openAccess({ file: accessFile(made.at("state")) });
  const key = await access.createKey("test", { role: "editor" });
  const daemon = made.startDaemon({ listens: true, args: ["--log", "text"] });
  const [, s = "", host = ""] = /listening on http(s?):\/\/(\S+)/.exec(await daemon.waitForLine(/listening on/)) ?? [];
  const headers = { "x-api-key": key };
  const ask: Running["ask"] = async (method, path, body) => {
    const json = { "content-type": "application/json" };
    const sent = body === undefined ? { headers } : { headers: { ...headers, ...json }, body: JSON.stringify(body) };
    const answer = await fetch(`http${s}://${host}${path}`, { method, ...sent });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return {
    daemon,
    workspace: made,
    host,
    key,
    open: (app = "default") => connect(`ws${s}://${host}/ws/${app}`, { headers, rejectUnauthorized: false }),
    ask,
    put: (section, values) => ask("PUT", `/api/v1/settings/${section}`, values),
  };
}

test("a change is told, whether it was made by the API or by hand", async () => {
  const { open, put, workspace } = await start("[web]\nport = 8080\npassword = planted\n");
  const { next } = await open();
  expect(await next()).toMatchObject({ type: "config", data: { web: { password: "[secret]" } } });
  await put("web", { port: 81 });
  expect(await next()).toMatchObject({ type: "update", changes: [{ path: "web.port", kind: "changed" }] });
  await workspace.saveByRename("config.ini", "[web]\nport = 82\npassword = planted-2\n");
  const update = await next();
  expect(update.changes?.map((change) => (change as { path: string }).path)).toEqual(["web.port", "web.password"]);
  expect(JSON.stringify(update)).not.toContain("planted");
});

test("what took in a secret is masked, also where it is told that it is gone", async () => {
  const ini = "[db]\npassword = planted\n\n[mail]\nport = 25\n";
  const { open, workspace } = await start(`${ini}dsn = smtp:\${db.password}\n`, [], "substitute: true");
  const { next } = await open();
  const seen = [await next()];
  await workspace.saveByRename("config.ini", ini);
  seen.push(await next());
  expect(seen[1]?.changes).toEqual([{ path: "mail.dsn", kind: "removed", before: "[secret]" }]);
  expect(JSON.stringify(seen)).not.toContain("planted");
});

test("an app that is made, changed and removed by the API is told of, until the socket closes with 4404", async () => {
  const { open, ask } = await start("[web]\nport = 8080\n");
  await ask("POST", "/api/apps/shop", { data: { web: { port: 1 } } });
  const { next, closed } = await open("shop");
  expect(await next()).toEqual({ type: "config", data: { web: { port: 1 } } });
  await ask("PUT", "/api/apps/shop/config/web/port", { value: 2 });
  expect(await next()).toMatchObject({ changes: [{ path: "web.port", kind: "changed", before: 1, after: 2 }] });
  await ask("DELETE", "/api/apps/shop");
  expect((await closed)[0]).toBe(4404);
});

test("whoever can open the control socket reads without a key, and goes on when the settings are read again", async () => {
  const { workspace, daemon, put } = await start("[web]\nport = 8080\n");
  const { next } = await connect(`ws+unix:${workspace.at("state/daemon.sock")}:/ws/default`, {});
  expect((await next()).type).toBe("config");
  process.kill(daemon.pid, "SIGHUP");
  await daemon.waitForLine(/read again|settings/);
  await put("web", { port: 81 });
  expect((await next()).data).toEqual({ web: { port: "81" } });
});

test("with a certificate it is wss", async () => {
  const names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
  const folder = await mkdtemp(path.join(tmpdir(), "config-sync-wss-"));
  const [certificate, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  try {
    await promisify(execFile)("openssl", [...kind, ...names, "-keyout", key, "-out", certificate]);
    const tls = `tls: { certificate: ${certificate}, key: ${key} }`;
    const { open, workspace } = await start("[web]\nport = 8080\n", [tls]);
    const { next } = await open();
    await next();
    await workspace.saveByRename("config.ini", "[web]\nport = 81\n");
    expect((await next()).data).toEqual({ web: { port: "81" } });
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("readers", () => {
  test("a thousand at once are all told, and all know when the daemon ends", async () => {
    const { open, put, daemon } = await start("[web]\nport = 8080\n", ["max_connections: 1500"]);
    const clients: Client[] = [];
    for (let batch = 0; batch < 10; batch++)
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => open()))));
    await Promise.all(clients.map(({ next }) => next()));
    const told = Promise.all(clients.map(({ next }) => next()));
    await put("web", { port: 81 });
    for (const { changes } of await told) expect(changes).toMatchObject([{ path: "web.port", kind: "changed" }]);
    const closed = Promise.all(clients.map((client) => client.closed));
    expect(await daemon.stop()).toBe(0);
    expect(new Set((await closed).map(([code]) => code))).toEqual(new Set([1001]));
  });

  test("one who takes nothing costs little and nobody's time, and has all that is new when he takes again", async () => {
    const { open, ask } = await start("");
    const rounds = 60;
    await ask("POST", "/api/apps/shop", { data: { turn: 0, large: "x".repeat(1_000_000) } });
    const prompt = await open("shop");
    const stalled = await open("shop");
    await Promise.all([prompt.next(), stalled.next()]);
    stalled.socket.pause();
    for (let turn = 1; turn <= rounds; turn++) {
      await ask("PUT", "/api/apps/shop/config/turn", { value: turn });
      expect((await prompt.next()).changes).toEqual([{ path: "turn", kind: "changed", before: turn - 1, after: turn }]);
    }
    stalled.socket.resume();
    let last = 0;
    let messages = 0;
    for (; last < rounds; messages++) {
      const { changes = [] } = await stalled.next();
      const [change] = changes as { readonly before: number; readonly after: number }[];
      expect(change?.before).toBe(last);
      last = change?.after ?? rounds;
    }
    // A million bytes each: what the kernel takes for a socket, what may wait, and one joined update.
    expect(messages).toBeLessThan(25);
  });
});

describe("a browser", () => {
  test("reads an app with its token, and learns why the socket was closed", async () => {
    const own = await servePage();
    pages.push(own);
    const { host, key, put, daemon } = await start("[web]\nport = 8080\n", [`cors: ["${own.origin}"]`]);
    const { heard } = own.open(scriptFor(host, key));
    expect(JSON.parse(await heard())).toEqual({ type: "config", data: { web: { port: "8080" } } });
    await put("web", { port: 81 });
    expect(JSON.parse(await heard())).toMatchObject({ type: "update", data: { web: { port: "81" } } });
    await daemon.stop();
    expect(await heard()).toBe("closed 1001");
  });

  test("on a page of another origin reads nothing, whatever the page knows", async () => {
    const evil = await servePage();
    pages.push(evil);
    const { host, key } = await start("[web]\nport = 8080\n");
    expect(await evil.open(scriptFor(host, key)).heard()).toBe("closed 1006");
  });
});

function scriptFor(host: string, key: string): string {
  return `
    const socket = new WebSocket("ws://${host}/ws/default", ["config-sync", "bearer.${key}"]);
    socket.onmessage = ({ data }) => say(data);
    socket.onclose = ({ code }) => say("closed " + code);`;
}
