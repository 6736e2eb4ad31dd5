import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: {
  readonly type: "major";
  readonly flavor: "last-resort";
  readonly execution: "sync";
}) => void;

/** Pieces of work whose garbage is worth a collection, and milliseconds of quiet after them. */
const much = 100;
const quiet = 1000;

/** A function to call with the pieces of work just done; starting counts as much. It collects garbage when quiet has come. */
export function memoryKeeper(): (pieces: number) => void {
  let done = much;
  let timer: NodeJS.Timeout | undefined;
  return (pieces) => {
    done += pieces;
    if (done < much) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      done = 0;
      releaseMemory();
    }, quiet).unref();
  };
}

/**
 * Gives memory that is only garbage back to the system. V8 collects when it needs room; a process that did its work in the first
 * second and then sleeps never does, and would keep what starting took: a third of it. Costs some ten milliseconds.
 *
 * Without a command line flag the collector is to be had in a new context only (Node.js documents the flag for v8.setFlagsFromString).
 */
function releaseMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  if (typeof collect !== "function") return;
  (collect as Collect)({ type: "major", flavor: "last-resort", execution: "sync" });
}
