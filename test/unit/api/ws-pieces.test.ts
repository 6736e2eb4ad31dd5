import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { changesOf, type Joined, joinChanges } from "../../../src/api/http/join-changes.ts";
import { sightOf } from "../../../src/api/http/sight.ts";
import { createBeat } from "../../../src/api/http/ws-beat.ts";
import { type Update, updateOf } from "../../../src/api/http/ws-messages.ts";
import { createReader, mostWaiting } from "../../../src/api/http/ws-reader.ts";
import type { TreeApp, TreeChanged } from "../../../src/apps/tree-app.ts";
import { isTree, type Json, type JsonTree } from "../../../src/config/json.ts";
import { diffTrees, sameValue } from "../../../src/config/json-tree.ts";
import { formatPath, type Path } from "../../../src/config/path.ts";
import { createFakeTrees } from "./fake-trees.ts";

const { tree } = fc.letrec<{ tree: JsonTree; value: Json }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom("a", "b", "c.d", "constructor"), tie("value"), { maxKeys: 3 }),
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Json>(null, 0, 1, "x", [], [{ a: 1 }], [{ a: 2 }]),
    tie("tree"),
  ),
}));

function leavesOf(value: Json, at: Path = []): (readonly [string, Json])[] {
  if (!isTree(value) || Object.keys(value).length === 0) return [[formatPath(at), value]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...at, key]));
}

describe("joined changes", () => {
  test("are what is different between the first and the last, whatever was in between", () => {
    fc.assert(
      fc.property(fc.array(tree, { minLength: 2, maxLength: 6 }), (trees) => {
        const joined: Joined = new Map();
        trees.slice(1).forEach((after, index) => {
          joinChanges(joined, diffTrees(trees[index] ?? {}, after));
        });
        const first = new Map(Object.keys(trees[0] ?? {}).length === 0 ? [] : leavesOf(trees[0] ?? {}));
        const last = new Map(Object.keys(trees.at(-1) ?? {}).length === 0 ? [] : leavesOf(trees.at(-1) ?? {}));
        const wanted = [...new Set([...first.keys(), ...last.keys()])].flatMap((path) => {
          const before = first.get(path);
          const after = last.get(path);
          if (sameValue(before, after)) return [];
          const kind = before === undefined ? "added" : after === undefined ? "removed" : "changed";
          return { path, kind, ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
        });
        const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
        expect(changesOf(joined).sort(byPath)).toEqual(wanted.sort(byPath));
      }),
    );
  });
});

/** A socket that takes what it is given when it is told to. */
function createSocket() {
  const listeners = new Map<string, () => void>();
  const waiting: { readonly size: number; readonly taken: (() => void) | undefined }[] = [];
  const messages: string[] = [];
  let part = "";
  const socket = {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    on: (event: string, listener: () => void) => void listeners.set(event, listener),
    ping: vi.fn(),
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
  return { socket, reader, take, sent, emit: (event: string) => listeners.get(event)?.() };
}

const app = createFakeTrees({ shop: {} }).get("shop") as TreeApp;
const principal = { name: "test", kind: "key", grant: { role: "viewer" } } as const;
const who = { app, principal, sight: sightOf(principal, "shop", () => []) };
const revision = { number: 1, parent: null, author: "", at: 0, message: "", hash: "" };

function updating(before: JsonTree, data: JsonTree, former?: JsonTree): Update {
  const changed: TreeChanged = { data, schema: undefined, revision, changes: diffTrees(before, data) };
  const update = updateOf(who, changed, former);
  if (update === undefined) throw new Error("nothing is different");
  return update;
}

describe("who is behind", () => {
  const large = "x".repeat(mostWaiting);
  const states = [0, 1, 2, 3].map((n) => ({ n, large }));
  const step = (n: number) => updating(states[n - 1] ?? {}, states[n] ?? {});

  test("has one message waiting beside what makes it behind, and gets one update for all that it missed", () => {
    const { socket, reader, take, sent } = createSocket();
    reader.tell(step(1));
    const waiting = socket.bufferedAmount;
    reader.tell(step(2));
    reader.tell(step(3));
    expect(socket.bufferedAmount).toBe(waiting);
    expect(sent()).toMatchObject([{ data: { n: 1 } }]);
    take();
    expect(sent()).toEqual([
      { type: "update", data: states[3], changes: [{ path: "n", kind: "changed", before: 1, after: 3 }] },
    ]);
    take();
    expect(sent()).toEqual([]);
  });

  test("is told nothing of what is as it was, and of secrets that they changed", () => {
    const { reader, take, sent } = createSocket();
    const at = (n: number, key: string) => ({ large, n, password: key });
    reader.tell(updating({}, at(0, "planted-a")));
    reader.tell(updating(at(0, "planted-a"), at(1, "planted-b")));
    reader.tell(updating(at(1, "planted-b"), at(0, "planted-c")));
    take();
    const [, update] = sent();
    expect(update.changes).toEqual([{ path: "password", kind: "changed", before: "[secret]", after: "[secret]" }]);
    expect(JSON.stringify(update)).not.toContain("planted");
    reader.tell(updating(at(0, "planted-c"), at(1, "planted-c")));
    reader.tell(updating(at(1, "planted-c"), at(0, "planted-c")));
    take();
    expect(sent()).toEqual([]);
  });

  test("is told no value that was secret at any time since, by the app's own schema", () => {
    const { reader, take, sent } = createSocket();
    const schema = { properties: { pin: { writeOnly: true } } };
    const at = (pin: string) => ({ large, pin });
    reader.tell(updating({}, at("1111")));
    reader.tell(updating(at("1111"), at("2222"), schema));
    reader.tell(updating(at("2222"), at("3333")));
    take();
    const [, update] = sent();
    expect(update.changes).toEqual([{ path: "pin", kind: "changed", before: "[secret]", after: "[secret]" }]);
  });

  test("is told nothing more once it is closed", () => {
    const { socket, reader, take, sent } = createSocket();
    reader.tell(step(1));
    reader.tell(step(2));
    sent();
    reader.close([4404, "gone"] as never);
    socket.readyState = 2;
    reader.tell(step(3));
    take();
    expect(sent()).toEqual([]);
  });

  test("is asked for a sign of life, and closed with 4408 after two beats without one", () => {
    const { socket, reader, emit } = createSocket();
    reader.beat();
    reader.beat();
    expect([socket.ping.mock.calls.length, socket.close.mock.calls.length]).toEqual([1, 0]);
    emit("pong");
    reader.beat();
    reader.beat();
    expect(socket.close).not.toHaveBeenCalled();
    reader.beat();
    expect(socket.close).toHaveBeenCalledWith(4408, expect.any(String));
  });
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
