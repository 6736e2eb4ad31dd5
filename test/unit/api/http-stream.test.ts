import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEventLog } from "../../../src/api/http/event-log.ts";
import { type StreamOptions, streamEvents } from "../../../src/api/http/event-stream.ts";
import { sightOf } from "../../../src/api/http/sight.ts";
import { grants } from "./http-bed.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sight = sightOf({ name: "viewer", kind: "key", grant: grants.viewer }, "default", () => []);

/** A reader that takes what it is given, or nothing. */
function createReader(takes: boolean) {
  const chunks: string[] = [];
  const response = new Writable({
    highWaterMark: 1024,
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      if (takes) done();
    },
  });
  return { response: response as unknown as ServerResponse, text: () => chunks.join("") };
}

function open(takes: boolean, over: Partial<StreamOptions> = {}) {
  const log = createEventLog({ events: 10_000, bytes: 1e9 });
  const reader = createReader(takes);
  const onEnd = vi.fn();
  const mayStay = async () => true;
  const options = { log, sight, isLocal: false, after: undefined, mayStay, onEnd, ...over };
  const stream = streamEvents(reader.response, options);
  return { log, onEnd, stream, ...reader };
}

test("a stream begins with the id of the last event, and tells each that comes", () => {
  const { log, text } = open(true);
  expect(text()).toContain(`id: ${log.lastId()}\n`);
  log.add({ type: "input-healed" });
  expect(text()).toContain(`id: ${log.lastId()}\nevent: input-healed\ndata: {"type":"input-healed"}\n\n`);
});

test("a stream says when it cannot go on where the reader was", () => {
  expect(open(true, { after: "before-7" }).text()).toContain('event: gap\ndata: {"type":"gap"}\n\n');
});

test("a reader who takes nothing is cut off after a bounded number of bytes", async () => {
  const { log, response, onEnd } = open(false);
  const event = { type: "mended", text: "x".repeat(1000) } as const;
  let told = 0;
  while (!response.destroyed && told < 10_000) {
    log.add(event);
    told++;
  }
  expect(told * 1000).toBeLessThan(1100 * 1024);
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledOnce());
  log.add(event);
  expect(response.writableLength).toBeLessThan(1100 * 1024);
});

test("a reader who comes back to much, or is told much at once, is not taken for a slow one", async () => {
  const log = createEventLog({ events: 10_000, bytes: 1e9 });
  const id = log.lastId();
  const event = { type: "mended", text: "x".repeat(1000) } as const;
  for (let told = 0; told < 3000; told++) log.add(event);
  const { response } = open(false, { log, after: id });
  expect(response.destroyed).toBe(false);
  const other = open(true);
  other.log.add({ ...event, text: "x".repeat(3_000_000) });
  other.log.add(event);
  expect(other.response.destroyed).toBe(false);
});

test.each([
  ["may not read any more", async () => false],
  ["is not known any more", () => Promise.reject(new Error("removed"))],
])("a reader who %s is ended at the next beat", async (_what, mayStay) => {
  const { response, onEnd } = open(true, { mayStay });
  await vi.advanceTimersByTimeAsync(16_000);
  expect(response.writableEnded).toBe(true);
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledOnce());
});

test("a reader who may stay hears that nothing happens", async () => {
  const { response, text } = open(true);
  await vi.advanceTimersByTimeAsync(31_000);
  expect(text().split(": still here").length).toBe(3);
  expect(response.writableEnded).toBe(false);
});
