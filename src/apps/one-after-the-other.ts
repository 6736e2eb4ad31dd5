import { setImmediate as endOfTurn } from "node:timers/promises";

/**
 * Runs what it is given one after the other, in order, whatever becomes of each. What had to wait begins with the next turn of the event
 * loop: who is answered by the work before has his answer by then.
 */
export function oneAfterTheOther(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let left = 0;
  return (work) => {
    const turn = left++ === 0 ? last : last.then(() => endOfTurn());
    const result = turn.then(work);
    last = result.catch(() => undefined).finally(() => left--);
    return result;
  };
}
