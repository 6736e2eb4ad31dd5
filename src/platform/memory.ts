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
 * Garbage may grow to three times what is in use before V8 collects it: with changes that come without a pause, that is 100 MB which a
 * limit of less than half saves. And eight seconds after each collection of ours V8 collects twice more, for 100 ms of processor time.
 */
function collectInTime(): void {
  setFlagsFromString("--heap-growing-percent=40");
  setFlagsFromString("--memory-reducer-gc-count=0");
}

/**
 * Gives memory that is only garbage back to the system. V8 collects when it needs room; a process that did its work in the first
 * second and then sleeps never does, and would keep what starting took: a third of it. Costs some ten milliseconds.
 *
 * Without a command line flag the collector is to be had in a new context only (Node.js documents the flag for v8.setFlagsFromString).
 */
function releaseMemory(): void {
  collectInTime();
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  if (typeof collect !== "function") return;
  (collect as Collect)({ type: "major", flavor: "last-resort", execution: "sync" });
}
