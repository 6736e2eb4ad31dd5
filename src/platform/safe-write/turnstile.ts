export type Turnstile = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Lets at most `limit` pieces of work run at once; the others wait in order. */
export function createTurnstile(limit: number): Turnstile {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
