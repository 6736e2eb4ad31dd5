/**
 * `node --import` of this, with an IPC channel: answers any message with what is alive in the process after all garbage was
 * collected.
 */
import { queryObjects, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Alive {
  /** Bytes. */
  readonly heap: number;
  /** Bytes outside of the heap: buffers. */
  readonly buffers: number;
  /** Also those that do not keep the process running. */
  readonly timers: number;
  /** Watches, pipes, sockets, servers and children that keep the process running. */
  readonly handles: number;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const probe = setTimeout(() => undefined, 0);
const Timeout = probe.constructor;
clearTimeout(probe);

process.on("message", () => {
  collect();
  const { heapUsed: heap, external, arrayBuffers } = process.memoryUsage();
  const timers = Number(queryObjects(Timeout, { format: "count" }));
  const handles = process.getActiveResourcesInfo().filter((kind) => kind.endsWith("Wrap")).length;
  process.send?.({ heap, buffers: external + arrayBuffers, timers, handles } satisfies Alive);
});
// Whoever listens must not keep the daemon from ending.
process.channel?.unref();
