import { readFileSync } from "node:fs";
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
  readonly open: () => Promise<Client>;
  readonly put: (section: string, values: object) => Promise<void>;
}

async function start(configIni: string, settings: readonly string[] = []): Promise<Running> {
  const yaml = ["sources: [{ file: config.ini }]", "services: []", "roots: [.]", "api:", '  listen: ["127.0.0.1:0"]'];
  const made = await makeWorkspace({
    "config.ini": configIni,
    "config-sync.yaml": `${[...yaml, ...settings.map((line) => `  ${line}`)].join("\n")}\n`,
  });
  workspace = made;
  const access = await openAccess({ file: accessFile(made.at("state")) });
  const key = await access.createKey("test", { role: "editor" });
  const daemon = made.startDaemon({ listens: true, args: ["--log", "text"] });
  const [, host = ""] = /listening on http:\/\/(\S+)/.exec(await daemon.waitForLine(/listening on/)) ?? [];
  const headers = { "x-api-key": key };
  return {
    daemon,
    workspace: made,
    host,
    key,
    open: () => connect(`ws://${host}/ws/default`, { headers }),
    put: async (section, values) => {
      const answer = await fetch(`http://${host}/api/v1/settings/${section}`, {
        method: "PUT",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(values),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
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

  test("one who takes nothing costs bounded memory and nobody's time, and has all that is new when he takes again", async () => {
    const large = "x".repeat(200_000);
    const keys = Array.from({ length: 5 }, (_, index) => `large_${index} = ${large}`);
    const { open, put, daemon } = await start(`[web]\nturn = 0\n${keys.join("\n")}\n`);
    const prompt = await open();
    const stalled = await open();
    await Promise.all([prompt.next(), stalled.next()]);
    stalled.socket.pause();
    const rounds = 80;
    const warmUp = 30;
    let before = 0;
    for (let turn = 1; turn <= rounds; turn++) {
      if (turn === warmUp) before = residentMemory(daemon.pid);
      await put("web", { turn });
      expect((await prompt.next()).changes).toMatchObject([{ path: "web.turn" }]);
    }
    // What he has not taken are 50 messages of a million bytes.
    const grown = residentMemory(daemon.pid) - before;
    expect(grown).toBeLessThan(40);
    stalled.socket.resume();
    let last = 0;
    let messages = 0;
    while (last < rounds) {
      const { changes = [] } = await stalled.next();
      const [change] = changes as { before: string; after: string }[];
      expect(Number(change?.before)).toBe(last);
      last = Number(change?.after);
      messages++;
    }
    expect(messages).toBeLessThan(rounds / 2);
  });
});

/** MiB. */
function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

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
