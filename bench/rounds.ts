import { setTimeout as wait } from "node:timers/promises";

export interface Rounds {
  readonly warmUp: number;
  readonly measured: number;
  /** Milliseconds of rest before each sample, so that nothing of the sample before it is still running. */
  readonly rest: number;
}

/** Takes one sample of a change; `change` counts from 1 and never comes twice. */
export type Sample = (change: number) => Promise<number>;

/** Samples taken in turn, so that whatever the machine does besides hits all of them alike. */
export async function alternate(samples: readonly Sample[], { warmUp, measured, rest }: Rounds): Promise<number[][]> {
  const taken = samples.map((): number[] => []);
  for (let round = 1; round <= warmUp + measured; round++) {
    for (const [index, sample] of samples.entries()) {
      // Not in step with any timer of the program.
      await wait(rest + ((round * 7) % 13));
      const milliseconds = await sample(round);
      if (round > warmUp) taken[index]?.push(milliseconds);
    }
  }
  return taken;
}
