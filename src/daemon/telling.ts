import { memoryKeeper } from "../platform/memory.ts";
import type { Emit, SyncEvent } from "../sync/events.ts";

/** How what happens comes to those who listen. */
export interface Telling {
  readonly tell: Emit;
  /** Tells the listener from now on. Disposing of the answer ends that, after everything so far was told. */
  readonly listen: (listener: Emit) => Disposable;
  /** Tells what is not told yet. */
  readonly tellAll: () => void;
}

/** Milliseconds; what happens meanwhile is told together. */
const tellAfter = 5;

/**
 * Telling comes after doing: a line that is printed first holds up the change by as much, and so does one that is printed just when
 * the disk has answered. With `keepsMemory`, the quiet after much work is used to give memory back.
 */
export function createTelling(emit: Emit, keepsMemory: boolean): Telling {
  const listeners = new Set([emit]);
  const noteWork = memoryKeeper();
  let untold: SyncEvent[] = [];

  const tellAll = (): void => {
    const events = untold;
    untold = [];
    for (const event of events) for (const listener of listeners) listener(event);
    if (keepsMemory) noteWork(events.length);
  };

  return {
    tellAll,
    tell: (event) => {
      if (untold.push(event) === 1) setTimeout(tellAll, tellAfter);
    },
    listen: (listener) => {
      listeners.add(listener);
      return {
        [Symbol.dispose]: () => {
          tellAll();
          listeners.delete(listener);
        },
      };
    },
  };
}
