import { describe, expect, test } from "vitest";
import { isAbout } from "../../../src/platform/thing.ts";

describe("isAbout", () => {
  const container = { kind: "container", name: "web" } as const;
  const program = { kind: "program", name: "web" } as const;

  test.each([
    ["the same container", { kind: "container", name: "web" }, container, true],
    ["any container", { kind: "container" }, container, true],
    ["another container", { kind: "container", name: "web-1" }, container, false],
    [
      "a container whose name has the same beginning up to a colon",
      { kind: "container", name: "web:1" },
      container,
      false,
    ],
    ["a program of that name", { kind: "program", name: "web" }, container, false],
    ["any program", { kind: "program" }, program, true],
    ["the group of a lone program", { kind: "program", name: "web" }, program, true],
    ["the group of a program", { kind: "program", name: "twin" }, { kind: "program", name: "twin:twin_1" }, true],
    ["another group", { kind: "program", name: "other" }, { kind: "program", name: "twin:twin_1" }, false],
  ] as const)("%s", (_what, hint, thing, about) => {
    expect(isAbout(hint, thing)).toBe(about);
  });
});
