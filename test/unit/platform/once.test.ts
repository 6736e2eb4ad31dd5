import { expect, test } from "vitest";
import { once } from "../../../src/platform/once.ts";

test("the work is done once, for all who ask meanwhile and later", async () => {
  let done = 0;
  const ask = once(async () => ++done);
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  expect(await ask()).toBe(1);
});

test("what failed is tried again by the next who asks", async () => {
  let tries = 0;
  const ask = once(async () => {
    if (++tries === 1) throw new Error("not yet");
    return tries;
  });
  await expect(ask()).rejects.toThrow("not yet");
  expect(await ask()).toBe(2);
  expect(await ask()).toBe(2);
});
