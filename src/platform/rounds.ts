import { setTimeout as sleep } from "node:timers/promises";

/** One round: resolves with the milliseconds to wait before the next. It ends soon when the signal fires, and never rejects. */
export type Round = (signal: AbortSignal) => Promise<number>;

/** Takes one round after the other until the returned function is called, which resolves when the last one is over. */
export function takeRounds(round: Round): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rounds = async (): Promise<void> => {
    while (!signal.aborted) {
      const pause = await round(signal);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  };
  const over = rounds();
  return async () => {
    stopping.abort(new Error("the watch ends"));
    await over;
  };
}
