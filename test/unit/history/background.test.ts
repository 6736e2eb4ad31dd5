import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Background, inBackground } from "../../../src/history/git/background.ts";

describe("work in the background", () => {
  let rounds: number;
  let work: Background;

  beforeEach(() => {
    vi.useFakeTimers();
    rounds = 0;
    const round = async (): Promise<void> => void rounds++;
    work = inBackground({ round, pause: 500, longest: 2000, tell: () => undefined, says: "it is late" });
  });
  afterEach(async () => {
    await work.stop();
    vi.useRealTimers();
  });

  test("waits until nothing more comes", async () => {
    work.soon();
    await vi.advanceTimersByTimeAsync(400);
    work.soon();
    await vi.advanceTimersByTimeAsync(499);
    expect(rounds).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(rounds).toBe(1);
  });

  test("does not wait for ever", async () => {
    for (let at = 0; at < 4000; at += 100) {
      work.soon();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(rounds).toBe(2);
  });

  test("is done once for all that came", async () => {
    work.soon();
    work.soon();
    await vi.advanceTimersByTimeAsync(5000);
    expect(rounds).toBe(1);
  });
});
