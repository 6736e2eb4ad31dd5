import { describe, expect, it } from "vitest";
import { createTurnstile } from "../../../src/platform/safe-write/turnstile.ts";

describe("a turnstile", () => {
  it("lets no more through than its limit, in order, also after failures", async () => {
    const turnstile = createTurnstile(3);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const work = Array.from({ length: 20 }, (_, index) =>
      turnstile(async () => {
        order.push(index);
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
        if (index % 4 === 0) throw new Error(`failed ${index}`);
        return index;
      }),
    );
    const results = await Promise.allSettled(work);
    expect(most).toBe(3);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(5);
  });
});
