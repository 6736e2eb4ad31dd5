import { describe, expect, test } from "vitest";
import { formatDuration, parseBoolean, parseDuration } from "../../../src/config/coerce.ts";

describe("durations", () => {
  test.each([
    ["200ms", 200],
    ["10s", 10_000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["0s", 0],
  ])("%s is %d ms", (text, expected) => expect(parseDuration(text)).toBe(expected));

  test.each(["", "10", "10 s", "-1s", "1d", "1e3s", "s", "99999999999999999999h", "1s1s"])("%j is none", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  test.each([
    [12, "12 ms"],
    [1500, "1.5 s"],
    [180_000, "3.0 min"],
  ])("%d ms is shown as %s", (milliseconds, expected) => expect(formatDuration(milliseconds)).toBe(expected));
});

test.each([
  ["Yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["OFF", false],
  ["maybe", undefined],
  ["", undefined],
])("%j as a boolean: %s", (text, expected) => expect(parseBoolean(text)).toBe(expected));
