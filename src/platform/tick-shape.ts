import { executionAsyncResource } from "node:async_hooks";

const held: object[] = [];

/**
 * Keeps `process.nextTick` as fast as it became: to be called before anything else runs. Node makes an object for each tick, and V8 collects
 * the shape of these objects with other garbage when no tick waits in that moment. What was compiled for the shape is slow from then on and
 * stays so: a tick takes five times as long, and an HTTP server a third more for each answer (seen with Node.js 24.21). One such object that
 * is held keeps the shape.
 */
export function keepTickShape(): void {
  process.nextTick(() => held.push(executionAsyncResource()));
}
