/** The beat of the readers: is each still there, and may he still read. */
import { closings } from "./ws-closings.ts";
import type { Reader } from "./ws-reader.ts";

export interface Beating {
  readonly reader: Pick<Reader, "beat" | "close">;
  readonly mayStay: () => Promise<boolean>;
}

export interface Beat {
  /** Returns what takes him out again. */
  readonly add: (one: Beating) => () => void;
}

/** The turns of a beat. A reader has one of them, so that a thousand are not asked for in one go. */
const turns = 15;

/** A beat takes `milliseconds`. Nothing runs where there is nobody. */
export function createBeat(milliseconds: number): Beat {
  const readers = Array.from({ length: turns }, () => new Set<Beating>());
  let turn = 0;
  let added = 0;
  let count = 0;
  let timer: NodeJS.Timeout | undefined;

  const takeTurn = (): void => {
    turn = (turn + 1) % turns;
    for (const one of readers[turn] ?? []) beat(one);
  };

  const add: Beat["add"] = (one) => {
    const own = readers[added++ % turns];
    own?.add(one);
    if (count++ === 0) timer = setInterval(takeTurn, milliseconds / turns).unref();
    return () => {
      if (own?.delete(one) && --count === 0) clearInterval(timer);
    };
  };

  return { add };
}

function beat({ reader, mayStay }: Beating): void {
  reader.beat();
  const end = (): void => reader.close(closings.unauthenticated);
  mayStay().then((stays) => stays || end(), end);
}
