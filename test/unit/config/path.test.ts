import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPath, parsePath } from "../../../src/config/path.ts";

describe("path", () => {
  test.each([
    [["gitea", "user_pwd"], "gitea.user_pwd"],
    [["log.console", "LEVEL"], "[log.console].LEVEL"],
    [["a]b", "c[d"], "[a\\]b].[c[d]"],
    [[" a ", ""], " a .[]"],
    [["__proto__", "constructor"], "__proto__.constructor"],
  ])("%j is written %s and read back", (path, text) => {
    expect(formatPath(path)).toBe(text);
    expect(parsePath(text)).toEqual(path);
  });

  test.each(["", ".", "a.", ".a", "a..b", "[a", "a]", "[a]b", "a[b]"])("%j is no path", (text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  test("whatever the segments, writing and reading gives them back, and no two paths are written the same", () => {
    const paths = fc.array(fc.string({ unit: fc.constantFrom("a", ".", "[", "]", "\\", "é", "\n", "") }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(paths, (path) => {
        expect(parsePath(formatPath(path))).toEqual(path);
      }),
    );
  });
});
