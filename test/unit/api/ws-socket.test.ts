import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect as connectTcp } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { forgetKnown, type Who, whoIsKnown } from "./http-bed.ts";
import { type Client, connect, serveSockets, type WsBed, type WsOptions } from "./ws-bed.ts";

let bed: WsBed | undefined;

afterEach(async () => {
  await bed?.api.close();
  bed = undefined;
});
afterAll(forgetKnown);

async function serve(options?: WsOptions): Promise<WsBed> {
  bed = await serveSockets(options);
  return bed;
}

/** What comes instead of a socket. */
async function refusal(url: string, headers: Record<string, string> = {}, protocols: string[] = []) {
  const socket = new WebSocket(url, protocols, { headers });
  const [, answer] = await once(socket, "unexpected-response");
  socket.on("error", () => undefined);
  const problem = JSON.parse(await text(answer));
  socket.terminate();
  return {
    status: answer.statusCode,
    type: answer.headers["content-type"],
    code: problem.code,
    detail: problem.detail,
  };
}

describe("a WebSocket on an app", () => {
  test("says what the app is, and then every change with what is different", async () => {
    const { open, trees } = await serve();
    const { next } = await open("default", { who: "viewer" });
    expect(await next()).toEqual({ type: "config", data: { web: { port: 8080 } } });
    trees.put("default", { web: { port: 81, host: "a" } });
    expect(await next()).toEqual({
      type: "update",
      data: { web: { port: 81, host: "a" } },
      changes: [
        { path: "web.port", kind: "changed", before: 8080, after: 81 },
        { path: "web.host", kind: "added", after: "a" },
      ],
    });
    trees.put("default", { web: { port: 81 } });
    expect((await next()).changes).toEqual([{ path: "web.host", kind: "removed", before: "a" }]);
  });

  test("is of that app only", async () => {
    const { open, trees } = await serve({ apps: { other: { a: 1 } } });
    const { next } = await open("default", { who: "viewer" });
    await next();
    trees.put("other", { a: 2 });
    trees.put("default", { web: { port: 2 } });
    expect((await next()).data).toEqual({ web: { port: 2 } });
  });

  test("masks secrets, also in what is different, and passwords inside URLs", async () => {
    const secret = (value: string) => ({ db: { password: value, url: `http://bot:${value}@host/`, user: "bot" } });
    const { open, trees } = await serve({ apps: { shop: secret("one-planted") } });
    const { next } = await open("shop", { who: "admin" });
    const masked = { password: "[secret]", url: "http://bot:[secret]@host/", user: "bot" };
    expect(await next()).toEqual({ type: "config", data: { db: masked } });
    trees.put("shop", secret("two-planted"));
    const { changes, data } = await next();
    expect(data).toEqual({ db: masked });
    expect(changes).toContainEqual({ path: "db.password", kind: "changed", before: "[secret]", after: "[secret]" });
    expect(JSON.stringify(changes)).not.toContain("planted");
  });

  test("leaves out the sections that are not for these eyes, and what changed only there is not told", async () => {
    const { open, trees } = await serve({ apps: { shop: { web: { a: 1 }, db: { a: 1 } } } });
    const narrow = await open("shop", { who: "narrow-viewer" });
    const whole = await open("shop", { who: "viewer" });
    expect((await narrow.next()).data).toEqual({ web: { a: 1 } });
    expect((await whole.next()).data).toEqual({ web: { a: 1 }, db: { a: 1 } });
    trees.put("shop", { web: { a: 1 }, db: { a: 2 } });
    trees.put("shop", { web: { a: 2 }, db: { a: 3 } });
    const update = { type: "update", data: { web: { a: 2 } } };
    expect(await narrow.next()).toEqual({
      ...update,
      changes: [{ path: "web.a", kind: "changed", before: 1, after: 2 }],
    });
    expect((await whole.next()).data).toEqual({ web: { a: 1 }, db: { a: 2 } });
  });

  test("ends with 4404 when the app is removed", async () => {
    const { open, trees } = await serve({ apps: { shop: {} } });
    const { closed } = await open("shop", { who: "viewer" });
    await trees.remove("shop", { author: "test", message: "" });
    expect(await closed).toEqual([4404, expect.stringContaining("removed")]);
  });

  test("ends with 1001 when the server ends, also where somebody takes nothing any more", async () => {
    const { open, api } = await serve();
    const one = await open("default", { who: "viewer" });
    const stalled = await open("default", { who: "viewer" });
    stalled.socket.pause();
    const began = performance.now();
    await api.close();
    expect(performance.now() - began).toBeLessThan(2000);
    expect((await one.closed)[0]).toBe(1001);
    stalled.socket.terminate();
  });

  test("takes no messages: 1003, and 1009 for one that is large", async () => {
    const { open } = await serve();
    const chatty = await open("default", { who: "viewer" });
    chatty.socket.send('{"type":"subscribe"}');
    expect((await chatty.closed)[0]).toBe(1003);
    const loud = await open("default", { who: "viewer" });
    loud.socket.send(Buffer.alloc(100_000));
    expect((await loud.closed)[0]).toBe(1009);
  });

  test("is watched for as long as somebody reads it, and no longer", async () => {
    const { open, trees } = await serve();
    const one = await open("default", { who: "viewer" });
    const two = await open("default", { who: "narrow-viewer" });
    await Promise.all([one.next(), two.next()]);
    expect(trees.watching("default")).toBe(1);
    one.socket.terminate();
    two.socket.terminate();
    await expect.poll(() => trees.watching("default")).toBe(0);
  });
});

describe("before the upgrade", () => {
  test.each<[string, Who | undefined, number, string]>([
    ["default", undefined, 401, "UNAUTHENTICATED"],
    ["default", "stranger", 403, "FORBIDDEN"],
    ["nobody", "viewer", 404, "NOT_FOUND"],
    ["nobody", "stranger", 403, "FORBIDDEN"],
    ["..%2fdefault", "viewer", 400, "REQUEST_INVALID"],
    ["__proto__", "viewer", 400, "REQUEST_INVALID"],
    ["constructor", "viewer", 404, "NOT_FOUND"],
  ])("%s asked for by %s is answered %d as a problem", async (app, who, status, code) => {
    const { at } = await serve();
    const headers: Record<string, string> = who === undefined ? {} : (await whoIsKnown()).keyOf(who);
    expect(await refusal(`${at}/ws/${app}`, headers)).toMatchObject({
      status,
      code,
      type: expect.stringContaining("application/problem+json"),
    });
  });

  test("who is refused keeps no connection, also where he does not close it himself", async () => {
    const { at, open } = await serve({ limits: { connections: 3 } });
    const { hostname, port } = new URL(at);
    const upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13";
    for (let round = 0; round < 10; round++) {
      const socket = connectTcp({ host: hostname, port: Number(port), allowHalfOpen: true });
      socket.write(`GET /ws/default HTTP/1.1\r\nhost: localhost\r\n${upgrade}\r\n\r\n`);
      expect(await text(socket)).toMatch(/^HTTP\/1.1 401 [\s\S]*connection: close[\s\S]*"code":"UNAUTHENTICATED"/i);
    }
    expect((await (await open("default", { who: "viewer" })).next()).type).toBe("config");
  });

  test("a key in the address counts for nothing", async () => {
    const { at } = await serve();
    const key = (await whoIsKnown()).keyOf("admin")["x-api-key"];
    expect((await refusal(`${at}/ws/default?token=${key}&x-api-key=${key}`)).status).toBe(401);
  });

  test("a page of another origin is refused, and those of this server and of api.cors are not", async () => {
    const { at, open } = await serve({ settings: { cors: ["https://console.example.com"] } });
    const key = (await whoIsKnown()).keyOf("viewer");
    for (const origin of ["https://evil.example.com", "null", "http://127.0.0.1:1", `${at}.evil.example.com`])
      expect((await refusal(`${at}/ws/default`, { ...key, origin })).status).toBe(403);
    for (const origin of ["https://console.example.com", at.replace("ws", "http"), at.replace("ws", "https")])
      expect((await (await open("default", { who: "viewer", origin })).next()).type).toBe("config");
  });

  test("one reader more than are taken is told to come back", async () => {
    const { at, open } = await serve({ limits: { sockets: 1 } });
    const key = (await whoIsKnown()).keyOf("viewer");
    const first = await open("default", { who: "viewer" });
    expect(await refusal(`${at}/ws/default`, key)).toMatchObject({ status: 429, code: "TOO_MANY_REQUESTS" });
    first.socket.terminate();
    await expect
      .poll(async () => (await open("default", { who: "viewer" }).catch(() => undefined)) !== undefined)
      .toBe(true);
  });

  test("the rate limit counts sockets as it counts requests", async () => {
    const { at } = await serve({ limits: { requestsPerSecond: 1 } });
    const key = (await whoIsKnown()).keyOf("viewer");
    const opened = await Promise.allSettled([1, 2, 3, 4].map(() => connect(`${at}/ws/default`, { headers: key })));
    expect(opened.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    expect((await refusal(`${at}/ws/default`, key)).status).toBe(429);
  });

  test.each([
    [{}, 426],
    [{ connection: "upgrade", upgrade: "h2c" }, 426],
    [{ connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "8" }, 426],
    [{ connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "x" }, 400],
  ])("what is no handshake (%j) is answered %d", async (headers, status) => {
    const { at } = await serve();
    const shown = (await whoIsKnown()).keyOf("viewer");
    const asked = request(`${at.replace("ws", "http")}/ws/default`, { headers: { ...headers, ...shown } }).end();
    const [answer] = await once(asked, "response");
    expect([answer.statusCode, JSON.parse(await text(answer)).code]).toEqual([status, "REQUEST_INVALID"]);
  });

  test("a request elsewhere that offers another protocol is answered as any other", async () => {
    const { at } = await serve();
    for (const upgrade of ["h2c", "websocket"]) {
      const headers = { connection: "upgrade", upgrade, ...(await whoIsKnown()).keyOf("viewer") };
      const asked = request(`${at.replace("ws", "http")}/api/v1/settings/web`, { headers }).end();
      const [answer] = await once(asked, "response");
      expect(JSON.parse(await text(answer))).toEqual({ port: "8080" });
    }
  });
});

describe("a browser", () => {
  const asBrowser = async (at: string, token: string, protocols = ["config-sync", `bearer.${token}`]) =>
    connect(`${at}/ws/default`, { origin: at.replace("ws", "http") }, protocols);

  test("shows its token as a sub-protocol, and gets the other one back", async () => {
    const { at } = await serve();
    const { tokenOf, keyOf } = await whoIsKnown();
    for (const token of [await tokenOf({}), keyOf("viewer")["x-api-key"]]) {
      const { socket, next } = await asBrowser(at, token);
      expect(socket.protocol).toBe("config-sync");
      expect((await next()).type).toBe("config");
    }
  });

  test("with a token that is over, or none, is answered 401", async () => {
    const { at } = await serve();
    const token = await (await whoIsKnown()).tokenOf({ ago: 3_600_000 });
    expect((await refusal(`${at}/ws/default`, {}, ["config-sync", `bearer.${token}`])).status).toBe(401);
    expect((await refusal(`${at}/ws/default`, {}, ["config-sync"])).status).toBe(401);
  });
});

test("the example in docs/api.md runs", async () => {
  const page = readFileSync(path.join(import.meta.dirname, "../../../docs/api.md"), "utf8");
  const [, example = ""] = /^```js\n(const socket[\s\S]*?)^```$/m.exec(page) ?? [];
  const { at, trees } = await serve();
  const said: unknown[] = [];
  const context = {
    WebSocket,
    token: await (await whoIsKnown()).tokenOf({}),
    console: { log: (...words: unknown[]) => said.push(structuredClone(words)) },
  };
  runInNewContext(example.replace("ws://127.0.0.1:7373", at), context);
  await expect.poll(() => said).toEqual([["config", { web: { port: 8080 } }, undefined]]);
  trees.put("default", { web: { port: 81 } });
  const changes = [{ path: "web.port", kind: "changed", before: 8080, after: 81 }];
  await expect.poll(() => said[1]).toEqual(["update", { web: { port: 81 } }, changes]);
  await bed?.api.close();
  await expect.poll(() => said[2]).toEqual([1001, expect.any(String)]);
  bed = undefined;
});

describe("a reader who takes nothing", () => {
  test("costs a few messages, however many there were, and then has what is newest", async () => {
    const state = (turn: number) => ({ turn, large: `${turn}`.repeat(1_000_000).slice(0, 1_000_000) });
    const { open, trees } = await serve({ apps: { shop: state(0) } });
    const stalled = await open("shop", { who: "viewer" });
    await stalled.next();
    stalled.socket.pause();
    const before = bytesHeld();
    for (let turn = 1; turn <= 100; turn++) {
      trees.put("shop", state(turn));
      await setImmediate();
    }
    expect(bytesHeld() - before).toBeLessThan(8_000_000);
    stalled.socket.resume();
    for (let turn = 0; turn < 100; ) {
      const { data, changes } = await stalled.next();
      expect(changes).toContainEqual({ path: "turn", kind: "changed", before: turn, after: data.turn });
      turn = Number(data.turn);
    }
  });

  test("is closed, and one who does not answer pings is told why", async () => {
    const { open, trees } = await serve({ limits: { beat: 60 } });
    const mute = await open("default", { who: "viewer", autoPong: false });
    const lively = await open("default", { who: "viewer" });
    const stalled = await open("default", { who: "viewer" });
    stalled.socket.pause();
    expect(await mute.closed).toEqual([4408, expect.any(String)]);
    expect(lively.socket.readyState).toBe(lively.socket.OPEN);
    lively.socket.terminate();
    await expect.poll(() => trees.watching("default"), { timeout: 5000 }).toBe(0);
    stalled.socket.terminate();
  });
});

/** Bytes of buffers that are still needed. */
function bytesHeld(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe("a reader whose right ends", () => {
  const quick = { limits: { beat: 150 } };

  test("is closed with 4401 when the key is removed, and others are not", async () => {
    const { at, open } = await serve(quick);
    const { access } = await whoIsKnown();
    const key = await access.createKey("short-lived", { role: "viewer" });
    const { closed } = await connect(`${at}/ws/default`, { headers: { "x-api-key": key } });
    const other = await open("default", { who: "viewer" });
    await access.removeKey("short-lived");
    expect(await closed).toEqual([4401, expect.any(String)]);
    expect(other.socket.readyState).toBe(other.socket.OPEN);
  });

  test("is closed with 4401 when the token is over", async () => {
    const { at } = await serve(quick);
    const token = await (await whoIsKnown()).tokenOf({ ago: 15 * 60_000 + 3000 });
    const { closed }: Client = await connect(`${at}/ws/default`, { headers: { authorization: `Bearer ${token}` } });
    // Clocks may be five seconds apart.
    expect((await closed)[0]).toBe(4401);
  });
});
