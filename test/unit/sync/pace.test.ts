import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/platform/clock.ts";
import { createPace } from "../../../src/sync/pace.ts";

function startPace() {
  let now = 1_000_000;
  const clock: Clock = { now: () => now, sleep: () => Promise.reject(new Error("nobody sleeps here")) };
  const pace = createPace({ min: 100, max: 500 }, clock);
  return {
    ...pace,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe("a burst of changes", () => {
  test("begins with a change that is taken up at once", () => {
    const pace = startPace();
    pace.noteChange("web");
    expect(pace.untilTurn("web")).toBe(0);
    pace.pass(100);
    pace.noteChange("web");
    expect(pace.untilTurn("web")).toBe(0);
  });

  test("is waited out from its second change on, as long as it does not rest", () => {
    const pace = startPace();
    pace.noteChange("web");
    for (let change = 0; change < 4; change++) {
      pace.pass(50);
      pace.noteChange("web");
      expect(pace.untilTurn("web")).toBe(100);
    }
    pace.pass(100);
    expect(pace.untilTurn("web")).toBe(0);
  });

  test("that does not rest is broken into every max", () => {
    const pace = startPace();
    let turns = 0;
    for (let at = 0; at <= 2000; at += 10) {
      pace.noteChange("web");
      if (pace.untilTurn("web") === 0) turns++;
      pace.pass(10);
    }
    // The first change, and then whenever max is over since the change after the last turn.
    expect(turns).toBe(1 + Math.floor(2000 / 510));
  });

  test("of one service is no burst of another", () => {
    const pace = startPace();
    pace.noteChange("web");
    pace.noteChange("db");
    expect(pace.untilTurn("db")).toBe(0);
  });

  test("is not waited for by who is in a hurry", () => {
    const pace = startPace();
    pace.noteChange("web");
    pace.noteChange("web");
    expect(pace.untilTurn("web")).toBeGreaterThan(0);
    expect(pace.hurry()).toEqual(["web"]);
    expect(pace.untilTurn("web")).toBe(0);
    expect(pace.hurry()).toEqual([]);
  });
});

test("what is changed again and again is put right three times at once, then once a minute", () => {
  const pace = startPace();
  for (let repair = 0; repair < 3; repair++) {
    expect(pace.untilRepair("web")).toBe(0);
    pace.noteRepair("web");
    pace.pass(1000);
  }
  expect(pace.untilRepair("web")).toBe(59_000);
  pace.pass(59_000);
  expect(pace.untilRepair("web")).toBe(0);
});
