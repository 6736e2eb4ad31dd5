import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formats, merge, nastyText, nastyValue, plainText, unlessRefused, valuesOf } from "./support.ts";

describe.each(formats.map((format) => [format.name, format] as const))("%s is merged", (_, format) => {
  it("so that every wanted key reads as wanted, the gone are gone, and all others are as before", () => {
    const keys = fc.constantFrom("a", "b", "f");
    const sections = fc.constantFrom("alpha", "beta", "new");
    let changed = 0;
    fc.assert(
      fc.property(plainText, sections, keys, nastyValue, sections, keys, (text, section, key, value, goneIn, gone) => {
        const written = unlessRefused(() => format.write(value));
        if (written === undefined) return;
        const before = valuesOf(format, text);
        const result = unlessRefused(() =>
          merge(format, text, `[${section}]\n${key} = ${written}\n`, [[goneIn, gone]]),
        );
        if (result === undefined) return;
        changed++;
        const expected = { ...before };
        delete expected[`${goneIn}.${gone}`];
        expected[`${section}.${key}`] = value;
        expect(valuesOf(format, result.text)).toEqual(expected);
        expect(result.written.length).toBe(before[`${section}.${key}`] === value ? 0 : 1);
      }),
      { numRuns: 1000 },
    );
    expect(changed).toBeGreaterThan(100);
  });

  it("also when keys of old and of new sections are wanted, in any order", () => {
    const sections = fc.uniqueArray(fc.constantFrom("alpha", "beta", "new", "newer"), { minLength: 2 });
    fc.assert(
      fc.property(plainText, sections, (text, wanted) => {
        const { text: merged } = merge(format, text, wanted.map((section) => `[${section}]\nadded = 1\n\n`).join(""));
        const added = wanted.map((section) => [`${section}.added`, "1"]);
        expect(valuesOf(format, merged)).toEqual({ ...valuesOf(format, text), ...Object.fromEntries(added) });
      }),
    );
  });

  it("keeping every other line, and the order of all", () => {
    fc.assert(
      fc.property(plainText, fc.constantFrom("alpha", "beta"), fc.constantFrom("a", "b"), (text, section, key) => {
        const { text: merged } = merge(format, text, `[${section}]\n${key} = changed\n`);
        const [before, after] = [text.split("\n"), merged.split("\n")];
        const at = after.findIndex((line) => line.endsWith("changed"));
        const isThere = `${section}.${key}` in valuesOf(format, text);
        if (isThere) expect(after.with(at, "")).toEqual(before.with(at, ""));
        else if (before.includes(`[${section}]`)) expect(after.toSpliced(at, 1)).toEqual(before);
        else expect(merged.startsWith(text)).toBe(true);
      }),
    );
  });

  it("once and for all: merged again, nothing changes", () => {
    fc.assert(
      fc.property(nastyText, nastyValue, (text, value) => {
        const wanted = unlessRefused(() => `[s]\nkey = ${format.write(value)}\nmore = 1\n`);
        if (wanted === undefined) return;
        const first = unlessRefused(() => merge(format, text, wanted));
        if (first !== undefined) expect(merge(format, first.text, wanted)).toEqual({ text: first.text, written: [] });
      }),
      { numRuns: 1000 },
    );
  });

  it("by the line: a value set in place, a key behind its neighbours, a section at the end", () => {
    const text = "# head\n[one]\n# of a\na = 1\nb=2\n\n[two]\nc = 3\n";
    expect(merge(format, text, "[one]\na = 9\nn = 4\n[three]\nz = 5\n").text).toBe(
      "# head\n[one]\n# of a\na = 9\nb=2\nn=4\n\n[two]\nc = 3\n\n[three]\nz = 5\n",
    );
  });

  it.each([
    ["[one]\na = 1", "[one]\na = 2\nn = 4\n\n[three]\nz = 5"],
    ["[one]\na = 1\n", "[one]\na = 2\nn = 4\n\n[three]\nz = 5\n"],
    ["[one]", "[one]\na = 2\nn = 4\n\n[three]\nz = 5"],
    ["", "[one]\na = 2\nn = 4\n\n[three]\nz = 5\n"],
    ["# c\n\n", "# c\n\n[one]\na = 2\nn = 4\n\n[three]\nz = 5\n"],
  ])("into %j", (text, merged) => {
    expect(merge(format, text, "[one]\na = 2\nn = 4\n[three]\nz = 5\n").text).toBe(merged);
  });

  it("leaving the header of a section that a removal empties", () => {
    expect(merge(format, "[one]\na = 1\n\n[two]\nb = 2\n", "", [["one", "a"]]).text).toBe("[one]\n\n[two]\nb = 2\n");
  });

  it("with a key that is both wanted and gone kept", () => {
    expect(merge(format, "[one]\na = 1\n", "[one]\na = 2\n", [["one", "a"]]).text).toBe("[one]\na = 2\n");
  });

  it("with the last line removed, and another put in its place", () => {
    expect(merge(format, "[one]\na = 1\nb = 2", "[one]\nc = 3\n", [["one", "b"]]).text).toBe("[one]\na = 1\nc = 3\n");
  });
});
