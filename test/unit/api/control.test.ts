import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { callDaemon } from "../../../src/api/control-client.ts";
import { type AnswerLocal, serveControl } from "../../../src/api/control-server.ts";
import { watchWork } from "../../../src/api/watched-work.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";

let folder: string;
let socket: string;
let server: AsyncDisposable | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-sync-control-"));
  socket = path.join(folder, "daemon.sock");
});

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  await rm(folder, { recursive: true });
});

const silent: AnswerLocal = () => new Promise(() => undefined);
const status = { method: "GET", url: "/api/v1/status" } as const;
const apply = { method: "POST", url: "/api/v1/apply" } as const;

describe("the control socket", () => {
  test("hands what is for the API to the API, and its answer back", async () => {
    server = await serveControl(socket, async ({ method, url }, response) => {
      response.writeHead(202).end(JSON.stringify({ method, url }));
    });
    expect(await callDaemon(socket, apply)).toEqual({ status: 202, body: apply });
  });

  test("answers for an API that cannot be had with the problem that it is", async () => {
    server = await serveControl(socket, async () => {
      throw new ConfigSyncError("STATE_UNUSABLE", "access.json is broken", { hint: "Mend it" });
    });
    const body = { code: "STATE_UNUSABLE", detail: "access.json is broken", hint: "Mend it" };
    expect(await callDaemon(socket, status)).toMatchObject({ status: 500, body });
  });

  test("says that it is there without the API", async () => {
    server = await serveControl(socket, silent);
    expect(await callDaemon(socket, { ...status, url: "/" })).toMatchObject({ status: 404 });
  });

  test("is nobody's where no daemon runs, and one daemon's where one does", async () => {
    expect(await callDaemon(socket, status)).toBeUndefined();
    expect(await watchWork(socket, apply, () => undefined)).toBeUndefined();
    server = await serveControl(socket, silent);
    await expect(serveControl(socket, silent)).rejects.toMatchObject({ code: "DAEMON_RUNNING" });
  });

  test("is known from another server's", async () => {
    const other = createServer((_, response) => void response.end("<html>")).listen(socket);
    await once(other, "listening");
    const stranger = { code: "DAEMON_ABSENT", message: expect.stringContaining("is no daemon of ours") };
    await expect(callDaemon(socket, status)).rejects.toMatchObject(stranger);
    await expect(watchWork(socket, apply, () => undefined)).rejects.toMatchObject(stranger);
    other.close();
  });

  test.runIf(process.platform === "linux")("lets nobody hold on to its lock", async () => {
    server = await serveControl(socket, silent);
    const name = createHash("sha256")
      .update(await realpath(folder))
      .digest("hex");
    const stranger = connect({ path: `\0config-sync:${name}` });
    await once(stranger, "close");
    expect(stranger.destroyed).toBe(true);
  });
});

describe("work that is watched", () => {
  const event = (text: string): SyncEvent => ({ type: "mended", text });
  const frame = (id: number, text: string) => `id: s-${id}\nevent: mended\ndata: ${JSON.stringify(event(text))}\n\n`;
  const open = (response: ServerResponse, ...frames: string[]) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(["retry: 2000\nid: s-0\n: here\n\n", ...frames].join(""));
  };

  /** A daemon with one stream of events, and work that the test does. */
  async function serve(work: (events: ServerResponse, response: ServerResponse) => void, ...first: string[]) {
    let events: ServerResponse | undefined;
    server = await serveControl(socket, async (request: IncomingMessage, response) => {
      if (request.method === "POST" && events !== undefined) return work(events, response);
      events = response;
      open(response, ...first);
    });
  }

  async function watch(): Promise<{ answer: unknown; told: SyncEvent[] }> {
    const told: SyncEvent[] = [];
    return { answer: await watchWork(socket, apply, (one) => told.push(one)), told };
  }

  test("is told event by event, all that came before the answer and are under way after it", async () => {
    await serve((events, response) => {
      events.write(frame(1, "one").slice(0, 20));
      response.setHeader("last-event-id", "s-2");
      response.end('{"outcome":"healthy"}');
      setImmediate(() => events.write(frame(1, "one").slice(20) + frame(2, "two") + frame(3, "three")));
    });
    const { answer, told } = await watch();
    expect(answer).toEqual({ status: 200, body: { outcome: "healthy" }, lastEvent: "s-2" });
    expect(told.slice(0, 2)).toEqual([event("one"), event("two")]);
  });

  test("ends at once where all was told before the answer, or nothing was to tell", async () => {
    await serve((_events, response) => void response.setHeader("last-event-id", "s-1").end("{}"), frame(1, "one"));
    expect((await watch()).told).toEqual([event("one")]);
  });

  test("is refused as any request is", async () => {
    await serve((_events, response) => void response.writeHead(404).end('{"code":"NOT_FOUND"}'));
    expect((await watch()).answer).toEqual({ status: 404, body: { code: "NOT_FOUND" } });
  });

  test("is not asked for where there are no events to be had", async () => {
    server = await serveControl(socket, async ({ method }) => {
      expect(method).toBe("GET");
      throw new ConfigSyncError("DAEMON_RUNNING", "another command is at work");
    });
    expect((await watch()).answer).toMatchObject({ status: 409, body: { code: "DAEMON_RUNNING" } });
  });

  test("of a daemon that ends in the middle is said to have ended, and nothing that could be tried again", async () => {
    await serve((events) => {
      events.write(frame(1, "one"));
      setImmediate(() => void server?.[Symbol.asyncDispose]());
    });
    const error = await watch().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "DAEMON_ABSENT", message: expect.stringContaining("middle") });
    expect(error.cause).toBeUndefined();
  });
});
