import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formats, nastyValue, refusal, unlessRefused, valuesOf } from "./support.ts";

describe.each(formats.map((format) => [format.name, format] as const))("%s", (_, format) => {
  it("reads every value that it writes back exactly, and nothing besides it", () => {
    let written = 0;
    fc.assert(
      fc.property(nastyValue, (value) => {
        const text = unlessRefused(() => format.write(value));
        if (text === undefined) return;
        written++;
        expect(valuesOf(format, `[s]\nk = ${text}\nlast = 1\n`)).toEqual({ "s.k": value, "s.last": "1" });
        expect(valuesOf(format, `[s]\nk=${text}\nlast = 1\n`)).toEqual({ "s.k": value, "s.last": "1" });
      }),
      { numRuns: 3000 },
    );
    expect(written).toBeGreaterThan(500);
  });

  it("keeps a part of a value inside its value, quoted or not", () => {
    fc.assert(
      fc.property(nastyValue, fc.constantFrom("", '"', "'"), (value, quote) => {
        const part = unlessRefused(() => format.writePart(value));
        if (part === undefined) return;
        const frame = (inner: string): string => `[s]\nk = ${quote}a${inner}z${quote}\nlast = 1\n`;
        const marked = valuesOf(format, frame("PART"));
        expect(valuesOf(format, frame(part))).toEqual({
          ...marked,
          "s.k": marked["s.k"]?.replace("PART", () => value),
        });
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["plain", "", "a b", "p@ss)w0rd(", "http://h:1/x?a=b&c=d", "50%", "C:\\new", "ünïcödé", "__proto__"])(
    "writes the ordinary value %j",
    (value) => {
      expect(valuesOf(format, `[s]\nk = ${format.write(value)}\n`)).toEqual({ "s.k": value });
    },
  );

  it.each([
    ["NUL", "a\0b"],
    ["half a character", "a\ud800b"],
  ])("refuses %s, which no text file carries", (_name, value) => {
    refusal("UNREPRESENTABLE", () => format.write(value));
    refusal("UNREPRESENTABLE", () => format.writePart(value));
  });

  it("never shows the value that it refuses", () => {
    const secret = "s3cret\0s3cret";
    expect(refusal("UNREPRESENTABLE", () => format.write(secret)).toText()).not.toContain("s3cret");
    expect(refusal("UNREPRESENTABLE", () => format.writePart(" s3cret\n")).toText()).not.toContain("s3cret");
  });

  it("knows where a value stands alone", () => {
    const { before, after } = format.alone;
    expect(before.test("[s]\nkey = ")).toBe(true);
    expect(before.test("[s]\r\nkey=")).toBe(true);
    expect(after.test("\nnext")).toBe(true);
    expect(after.test("  \r\n")).toBe(true);
    expect(after.test("")).toBe(true);
    expect(before.test("[s]\nkey = a")).toBe(false);
    expect(before.test('[s]\nkey = "')).toBe(false);
    expect(before.test("[s]\n# key = ")).toBe(false);
    expect(before.test("[s]\n")).toBe(false);
    expect(after.test(" ; note\n")).toBe(false);
    expect(after.test("/path\n")).toBe(false);
  });
});
