/** The short share of the contests that runs in `npm test`: the same trials, few cases, one seed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Contest, type Running, runTrial } from "./contest.ts";

const seed = 20261121;
const cases = 1500;

export function describeShare(contests: readonly Contest[]): void {
  describe.each(contests)("$name beside $against", (contest) => {
    let running: Running | undefined;
    beforeAll(async () => {
      running = await contest.start();
    });
    afterAll(() => running?.stop());

    it("is read as it is written, and changes only where it should", async () => {
      for (const trial of running?.trials ?? []) {
        const { failure, telling } = await runTrial(trial, cases, seed);
        const again = `npm run fuzz -- ${contest.name} --seed ${seed} --cases ${cases} --trial ${trial.name}`;
        expect(failure, again).toBeUndefined();
        expect(telling, `${trial.name}: no case said anything`).toBeGreaterThan(0);
      }
    });
  });
}
