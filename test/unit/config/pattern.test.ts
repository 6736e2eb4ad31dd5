import { describe, expect, test } from "vitest";
import { matchPaths } from "../../../src/config/pattern.ts";

const matches = (pattern: string, ...path: string[]): boolean => matchPaths([pattern])(path);

describe("matchPaths", () => {
  test.each([
    ["gitea.user_*", ["gitea", "user_pwd"], true],
    ["gitea.user_*", ["gitea", "user_"], true],
    ["gitea.user_*", ["gitea", "http_port"], false],
    ["*.user_pwd", ["portainer", "user_pwd"], true],
    ["*.user_pwd", ["a", "b", "user_pwd"], false],
    ["**.user_pwd", ["a", "b", "user_pwd"], true],
    ["**", ["a"], true],
    ["gitea.**", ["gitea", "a", "b"], true],
    ["gitea.**", ["gitea"], true],
    ["g*t*a.x", ["gitea", "x"], true],
    ["g*tt*a.x", ["gitea", "x"], false],
    ["*a*a.x", ["a", "x"], false],
    ["a.b", ["a.b"], false],
    ["A.b", ["a", "b"], false],
    ["[log.console].*", ["log.console", "key"], true],
    ["[log.*].key", ["log.console", "key"], true],
    ["[log.console].key", ["log", "console", "key"], false],
    ["a.(b|c)", ["a", "b"], false],
  ])("%s on %j: %s", (pattern, path, expected) => {
    expect(matches(pattern, ...path)).toBe(expected);
  });

  test("no patterns match nothing", () => {
    expect(matchPaths([])(["a"])).toBe(false);
  });

  test("a hostile pattern takes no more time than a plain one", () => {
    expect(matches(`${"*a".repeat(2000)}b.x`, "a".repeat(10_000), "x")).toBe(false);
  });
});
