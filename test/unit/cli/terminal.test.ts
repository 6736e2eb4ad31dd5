import { describe, expect, test } from "vitest";
import { formatServices } from "../../../src/cli/status-table.ts";
import { formatTable, formatTime } from "../../../src/cli/terminal.ts";
import type { ServiceStatus } from "../../../src/sync/status.ts";

const plain = (_: unknown, text: string): string => text;

describe("a table", () => {
  test("is as wide as it must be, has no blanks at the end, and colours do not move anything", () => {
    const rows = [
      ["a", { text: "long text", style: "red" as const }, "x"],
      ["bbbb", "", ""],
    ];
    const text = formatTable(["N", "TEXT", "LAST"], rows, plain);
    expect(text).toBe("N     TEXT       LAST\na     long text  x\nbbbb");
    const marked = formatTable(["N", "TEXT", "LAST"], rows, (style, cell) => `<${style}>${cell}</>`);
    expect(marked.replace(/<[^>]*>/g, "")).toBe(text);
  });
});

test("what a table says cannot steer the terminal", () => {
  const hostile = "\u001b[2J\rgone\u0007\u009b1m";
  expect(formatTable(["A", "B"], [[hostile, { text: hostile, style: "red" }]], plain)).not.toMatch(/[^\P{Cc}\n]/u);
  expect(formatTable(["A"], [["größer ☃ \u0007"]], plain)).toBe("A\ngrößer ☃ \\u0007");
});

describe("a time", () => {
  test.each([
    [0, "0 s ago"],
    [-99_000, "99 s ago"],
    [-100_000, "2 min ago"],
    [3000, "in 3 s"],
    [300_000, "in 5 min"],
    [-86_400_000, "1969-12-31 00:00"],
  ])("%d ms from now is %s", (offset, text) => {
    expect(formatTime(offset, 0)).toBe(text);
  });
});

describe("the table of services", () => {
  const service: ServiceStatus = {
    name: "gitea",
    state: "healthy",
    desired: 7,
    live: 7,
    drift: false,
    lastReload: { at: 0, took: 1234, shown: "restart" },
    retryAt: null,
    trouble: null,
  };

  test("says where each stands, and below it why not", () => {
    const trouble = { code: "UNREACHABLE", message: "no container named websoft9-git", at: 0 };
    const services = [
      service,
      {
        ...service,
        name: "db",
        state: "waiting" as const,
        live: null,
        lastReload: null,
        drift: true,
        retryAt: 15_000,
        trouble,
      },
    ];
    expect(formatServices(services, plain, 10_000).split("\n")).toEqual([
      "SERVICE  STATE    DESIRED  LIVE  DRIFT  LAST RELOAD       RETRY",
      "gitea    healthy  7        7     no     10 s ago (1.2 s)  -",
      "db       waiting  7        -     yes    -                 in 5 s",
      "",
      "db: no container named websoft9-git",
    ]);
    expect(formatServices(services, plain, 20_000)).toContain(" due");
  });
});
