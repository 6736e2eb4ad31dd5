import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reveal, Secret, secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { readConfigIni } from "../../../src/formats/ini/config-ini.ts";
import { createEntryReader } from "../../../src/sources/ini-entries.ts";

const newReader = () => createEntryReader({ name: "config.ini", secretPaths: secretPaths([]) });

/** Everything that the entries say, or where and why there are none. */
function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const { message, hint, key, place } = error;
    return { message, hint, key, line: place?.line, column: place?.column };
  }
}

function readBy(reader: ReturnType<typeof newReader>, text: string): unknown {
  return outcomeOf(() =>
    reader(text).map(({ path, value, origin }) => {
      const { line, column } = origin;
      return { path, value: reveal(value), isSecret: value instanceof Secret, line, column };
    }),
  );
}

/** The file as a whole, by the parser alone. */
function readAsWhole(text: string): unknown {
  return outcomeOf(() =>
    readConfigIni(text).map(({ path, value, start, line }) => {
      const column = (/[^\r\n]*$/.exec(text.slice(0, start))?.[0].length ?? 0) + 1;
      return { path, value, isSecret: path[1] === "pwd", line, column };
    }),
  );
}

describe("a file that is read again and again", () => {
  const line = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("[a]", "[b]", "[c]", "[a b]", "[d] trailing", "[e]x]", "[f]", "[g]") },
    { weight: 6, arbitrary: fc.constantFrom("k = 1", "l: 2", "pwd = hunter2", "M = 3", "n =", "o = [x]") },
    { weight: 3, arbitrary: fc.constantFrom("", " ", "# comment", "; other", "  continued", "\tmore", "\u2028[u]") },
  );
  const odd = fc.constantFrom(
    ...["[DEFAULT]", " [c]", "\x85[c]", "\x1c[c]", "\uFEFF[c]", "[]", "[open", "r = %(k)s", "p = 5 %", "x\0", "alone"],
  );
  const ending = fc.constantFrom("\n", "\n", "\n", "\r\n", "\r");
  const version = fc.record({
    at: fc.nat(20),
    remove: fc.nat(2),
    insert: fc.array(fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: odd }), { maxLength: 2 }),
    mark: fc.constantFrom("", "", "", "\uFEFF"),
    ending,
  });

  it("says each time what the whole of it says, places and errors included", () => {
    let good = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.array(version, { maxLength: 6 }), (first, versions) => {
        const reader = newReader();
        const lines = ["[start]", ...first];
        for (const { at, remove, insert, mark, ending } of versions) {
          lines.splice(at, remove, ...insert);
          const text = mark + lines.map((each) => each + ending).join("");
          const read = readBy(reader, text);
          expect(read).toEqual(readAsWhole(text));
          if (Array.isArray(read)) good++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(good).toBeGreaterThan(1000);
  });

  it("moves with the lines above it", () => {
    const reader = newReader();
    const lineOf = (text: string) => reader(text).at(-1)?.origin.line;
    expect(lineOf("[a]\nk = 1\n[b]\nk = 2\n")).toBe(4);
    expect(lineOf("# new\r\n\r\n[a]\r\nk = 1\n[b]\nk = 2\n")).toBe(6);
    expect(lineOf("[b]\nk = 2\n")).toBe(2);
  });

  it("keeps the entries of sections that did not change", () => {
    const reader = newReader();
    const [a, b] = reader("[a]\nk = 1\n[b]\nk = 2\n");
    const [next, same] = reader("[a]\nk = 3\n[b]\nk = 2\n");
    expect(same).toBe(b);
    expect(next).not.toBe(a);
  });
});
