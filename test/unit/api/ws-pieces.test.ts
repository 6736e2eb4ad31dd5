import { describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { sightOf } from "../../../src/api/http/sight.ts";
import { createBeat } from "../../../src/api/http/ws-beat.ts";
import { closings } from "../../../src/api/http/ws-closings.ts";
import { type Update, updateOf } from "../../../src/api/http/ws-messages.ts";
import { createReader, mostWaiting } from "../../../src/api/http/ws-reader.ts";
import type { TreeApp, TreeChanged, TreeState } from "../../../src/apps/tree-app.ts";
import type { JsonTree } from "../../../src/config/json.ts";
import { diffTrees } from "../../../src/config/json-tree.ts";
import { createFakeTrees } from "./fake-trees.ts";

/** A socket that takes what it is given when it is told to. */
function createSocket() {
  const listeners = new Map<string, (said: Buffer) => void>();
  const waiting: { readonly size: number; readonly taken: (() => void) | undefined }[] = [];
  const messages: string[] = [];
  let part = "";
  const socket = {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    on: (event: string, listener: (said: Buffer) => void) => void listeners.set(event, listener),
    ping: vi.fn<(payload: string) => void>(),
    close: vi.fn(),
    send: (bytes: Buffer, { fin = true }: { fin?: boolean }, taken?: () => void) => {
      part += bytes.toString();
      if (fin) messages.push(part);
      if (fin) part = "";
      waiting.push({ size: bytes.length, taken });
      socket.bufferedAmount += bytes.length;
    },
  };
  const take = (): void => {
    for (const { size, taken } of waiting.splice(0)) {
      socket.bufferedAmount -= size;
      taken?.();
    }
  };
  const reader = createReader(socket as unknown as WebSocket);
  const sent = () => messages.splice(0).map((text) => JSON.parse(text));
  const pong = (said = socket.ping.mock.lastCall?.[0] ?? ""): void => listeners.get("pong")?.(Buffer.from(said));
  return { socket, reader, take, sent, pong };
}

const app = createFakeTrees({ shop: {} }).get("shop") as TreeApp;
const principal = { name: "test", kind: "key", grant: { role: "viewer" } } as const;
const who = { app, principal, sight: sightOf(principal, "shop", () => []) };
const revision = { number: 1, parent: null, author: "", at: 0, message: "", hash: "" };

/** One state after the other, as an app tells of them. */
function createUpdates(first: JsonTree, schema?: JsonTree) {
  let before: TreeState = { data: first, schema, revision };
  return (data: JsonTree): Update => {
    const changed: TreeChanged = { data, schema: undefined, revision, changes: diffTrees(before.data, data) };
    const update = updateOf(who, changed, before);
    before = { data, schema: undefined, revision };
    if (update === undefined) throw new Error("nothing is different");
    return update;
  };
}

describe("who is behind", () => {
  const large = "x".repeat(mostWaiting);
  const state = (n: number, password = "planted-a") => ({ n, password, large });

  test("has one message waiting beside what makes it behind, and gets one update for all that it missed", () => {
    const { socket, reader, take, sent } = createSocket();
    const updateTo = createUpdates({});
    reader.tell(updateTo(state(1)));
    const waiting = socket.bufferedAmount;
    reader.tell(updateTo(state(2)));
    reader.tell(updateTo(state(3)));
    expect(socket.bufferedAmount).toBe(waiting);
    expect(sent()).toMatchObject([{ data: { n: 1 } }]);
    take();
    expect(sent()).toEqual([
      {
        type: "update",
        data: state(3, "[secret]"),
        changes: [{ path: "n", kind: "changed", before: 1, after: 3 }],
      },
    ]);
    take();
    expect(sent()).toEqual([]);
  });

  test("is told nothing of what is again as it was, and of a secret that it changed", () => {
    const { reader, take, sent } = createSocket();
    const updateTo = createUpdates({});
    reader.tell(updateTo(state(0)));
    reader.tell(updateTo(state(1, "planted-b")));
    reader.tell(updateTo(state(0, "planted-c")));
    take();
    const [, update] = sent();
    expect(update.changes).toEqual([{ path: "password", kind: "changed", before: "[secret]", after: "[secret]" }]);
    expect(JSON.stringify(update)).not.toContain("planted");
    reader.tell(updateTo(state(1, "planted-c")));
    reader.tell(updateTo(state(0, "planted-c")));
    take();
    expect(sent()).toEqual([]);
  });

  test("is told no value that was secret when it was seen: by the app's own schema then, or where it stood", () => {
    const { reader, take, sent } = createSocket();
    const updateTo = createUpdates({ large, pin: "1111", dsn: "a" }, { properties: { pin: { writeOnly: true } } });
    reader.begin(Buffer.from(`"${large}"`));
    const first = updateTo({ large, pin: "2222", dsn: "b" });
    reader.tell({ ...first, secrets: ["dsn"] });
    reader.tell(updateTo({ large, pin: "3333", dsn: "c" }));
    take();
    const [, update] = sent();
    const masked = { kind: "changed", before: "[secret]", after: "[secret]" };
    expect(update.changes).toEqual([
      { path: "pin", ...masked },
      { path: "dsn", ...masked },
    ]);
  });

  test("shares what is different with all who have seen the same", () => {
    const [one, two] = [createSocket(), createSocket()];
    const updateTo = createUpdates({});
    const show = vi.spyOn(JSON, "stringify");
    try {
      for (const update of [updateTo(state(1)), updateTo(state(2)), updateTo(state(3))]) {
        one.reader.tell(update);
        two.reader.tell(update);
      }
      show.mockClear();
      one.take();
      two.take();
      // The data, and what is different.
      expect(show).toHaveBeenCalledTimes(2);
    } finally {
      show.mockRestore();
    }
  });

  test("is told nothing more once it is closed", () => {
    const { socket, reader, take, sent } = createSocket();
    const updateTo = createUpdates({});
    reader.tell(updateTo(state(1)));
    reader.tell(updateTo(state(2)));
    sent();
    reader.close(closings.removed);
    socket.readyState = 2;
    reader.tell(updateTo(state(3)));
    take();
    expect(sent()).toEqual([]);
  });

  test("is asked for a sign of life, and closed with 4408 after two beats without one", () => {
    const { socket, reader, pong } = createSocket();
    reader.beat();
    reader.beat();
    expect([socket.ping.mock.calls.length, socket.close.mock.calls.length]).toEqual([1, 0]);
    pong();
    reader.beat();
    reader.beat();
    expect(socket.close).not.toHaveBeenCalled();
    reader.beat();
    expect(socket.close).toHaveBeenCalledWith(4408, expect.any(String));
  });
});

test("who only says by himself that he is there has not taken what was sent", () => {
  const { socket, reader, pong } = createSocket();
  for (let beats = 0; beats < 3; beats++) {
    reader.beat();
    pong("");
    pong("0");
  }
  expect(socket.close).toHaveBeenCalledWith(4408, expect.any(String));
});

test("a beat comes once to each reader, one after the other, and to nobody who has left", () => {
  vi.useFakeTimers();
  try {
    const beat = createBeat(15_000);
    const readers = Array.from({ length: 30 }, () => ({ beat: vi.fn(), close: vi.fn() }));
    const leave = readers.map((reader) => beat.add({ reader, mayStay: async () => true }));
    const beaten = () => readers.reduce((sum, reader) => sum + reader.beat.mock.calls.length, 0);
    vi.advanceTimersByTime(1000);
    expect(beaten()).toBe(2);
    vi.advanceTimersByTime(14_000);
    expect(readers.map((reader) => reader.beat.mock.calls.length)).toEqual(readers.map(() => 1));
    for (const go of leave) go();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
