import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeFormat } from "../../../src/formats/env/compose.ts";
import { dotenvFormat } from "../../../src/formats/env/dotenv.ts";
import { rawFormat } from "../../../src/formats/env/raw.ts";
import type { Format } from "../../../src/formats/format.ts";
import {
  errorOf,
  expectExactOrRefused,
  expectLinesInOrder,
  hostileValue,
  mergeAndCheck,
  valuesOf,
} from "./promises.ts";

const formats: readonly Format[] = [composeFormat, dotenvFormat, rawFormat];

/** One text, three readers; undefined: no key, null: the reader refuses the file. Measured on the real ones. */
type Reading = string | null | undefined;
const readings: readonly [text: string, compose: Reading, dotenv: Reading, raw: Reading][] = [
  ["A=b # c", "b", "b", "b # c"],
  ["A=b#c", "b#c", "b", "b#c"],
  ['A="x y"', "x y", "x y", '"x y"'],
  ["A='x y'", "x y", "x y", "'x y'"],
  ["A=`x y`", "`x y`", "x y", "`x y`"],
  ['A="a\\nb"', "a\nb", "a\nb", '"a\\nb"'],
  ['A="C:\\new"', "C:\new", "C:\new", '"C:\\new"'],
  ['A="a\nb"', "a\nb", "a\nb", '"a'],
  ['A="a\\"b"', 'a"b', 'a\\"b', '"a\\"b"'],
  ["A='$B'", "$B", "$B", "'$B'"],
  ["A=a$$b", "a$b", "a$$b", "a$$b"],
  ['A="a\\$b"', "a$b", "a\\$b", '"a\\$b"'],
  [`A=a\${b`, null, `a\${b`, `a\${b`],
  ["A=a$1", "a$1", "a$1", "a$1"],
  ["A=a$", "a$", "a$", "a$"],
  ["export A=b", "b", "b", null],
  ["A\n", undefined, undefined, undefined],
  ["A = b", "b", "b", null],
  ["A: b", "b", "b", null],
  ["A=  b  ", "b", "b", "  b  "],
  ["A=1\nA=2", "2", "2", "2"],
  ["; c\nA=b", null, "b", null],
  ['A="x', null, '"x', '"x'],
  ['A="x" y', null, '"x" y', '"x" y'],
  ["\uFEFFA=b\r\n", "b", "b", "b"],
  ['A="\\0101\\x"', "A\\x", "\\0101\\x", '"\\0101\\x"'],
  ["A=", "", "", ""],
];

describe("one text, three readers", () => {
  test.each(readings)("%j", (text, compose, dotenv, raw) => {
    for (const [format, want] of [
      [composeFormat, compose],
      [dotenvFormat, dotenv],
      [rawFormat, raw],
    ] as const) {
      if (want === null) expect(errorOf(() => format.read(text)).code).toBe("PARSE_FAILED");
      else expect(valuesOf(format, text).get("A"), format.name).toBe(want);
    }
  });

  test("compose keeps a value that refers to other variables as it stands", () => {
    expect(valuesOf(composeFormat, `A=$B-x\nC="\${D:-e}"`)).toEqual(
      new Map([
        ["A", "$B-x"],
        ["C", `"\${D:-e}"`],
      ]),
    );
  });

  test("what a reader would lose or take for something else is refused, with its line", () => {
    for (const [format, text] of [
      [composeFormat, "A=1\n=x"],
      [composeFormat, "A=1\nB C=2\n"],
      [composeFormat, "A=1\nB"],
      [dotenvFormat, "A=1\nB[0]=x"],
      [dotenvFormat, "A=1\n__proto__=x"],
      [dotenvFormat, "A=1\nB=x\u2028''"],
      [rawFormat, `A=1\nB=${"x".repeat(65_534)}`],
      [rawFormat, "A=1\nB=x\0"],
    ] as const) {
      const error = errorOf(() => format.read(text));
      expect([error.code, error.place.line]).toEqual(["PARSE_FAILED", 2]);
    }
  });
});

describe("write", () => {
  test.each(formats)("$name gives back exactly what was written, whatever stands around it, or refuses", (format) => {
    const tails = fc.constantFrom("", "\nZ=2", '\n# it\'s "so"`', "\nB='x'", '\nB="y"\n', "\r\nC=`z`");
    let written = 0;
    fc.assert(
      fc.property(hostileValue, tails, (value, tail) => {
        if (expectExactOrRefused(format, value, (text) => `X=1\nA=${text}${tail}`, ["A"])) written++;
      }),
      { numRuns: 3000 },
    );
    expect(written).toBeGreaterThan(500);
  });

  test("names, numbers, paths and addresses stay bare", () => {
    for (const value of ["80", "127.0.0.1:8080", "/data/x-1", "a@b.de", "w9_redis"]) {
      expect(formats.map((format) => format.write(value))).toEqual([value, value, value]);
    }
  });

  test("compose can hold everything but NUL, dotenv refuses a tangle of quotes, raw refuses line breaks", () => {
    expect(composeFormat.write(`a"b\\$c\n\t'\``)).toBe(`"a\\"b\\\\\\$c\\n\\t'\`"`);
    expect(dotenvFormat.write("it's")).toBe("`it's`");
    expect(dotenvFormat.write("C:\\dir\\")).toBe("C:\\dir\\");
    for (const [format, value] of [
      [composeFormat, "a\0"],
      [dotenvFormat, "'`\""],
      [dotenvFormat, "it's # \\"],
      [rawFormat, "a\nb"],
    ] as const) {
      const error = errorOf(() => format.write(value));
      expect(error.code).toBe("UNREPRESENTABLE");
      expect(error.toText()).not.toContain(value);
    }
  });

  test("a mebibyte is written or refused, and read back", () => {
    const value = `${"x'\"# ".repeat(209_715)}é`;
    expect(expectExactOrRefused(composeFormat, value, (text) => `A=${text}`, ["A"])).toBe(true);
    expect(expectExactOrRefused(rawFormat, value, (text) => `A=${text}`, ["A"])).toBe(false);
  });

  test("Node's own reader agrees with the dotenv writer where it follows the same rules", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (value) => {
        if (/["'`\\]/.test(value)) return;
        expect(parseEnv(`A=${dotenvFormat.write(value)}\n`).A).toBe(value);
      }),
    );
  });

  test("inside other text only what means nothing to any reader is let through", () => {
    expect(composeFormat.writePart("db.local:5432")).toBe("db.local:5432");
    for (const value of ["a b", "a'b", "$x", "#", "\\"])
      expect(errorOf(() => composeFormat.writePart(value)).code).toBe("UNREPRESENTABLE");
  });
});

describe("merge", () => {
  const userFile = [
    "# image versions",
    "APPHUB_VERSION=0.2.8",
    "",
    "W9_POWER_PASSWORD='S3cr\\et' # generated",
    "W9_URL=$W9_ID-x.example.com",
    "#### -- Not allowed to edit below this line when recreate existed application -- ####",
    "export CONSOLE_PORT=9000",
    'MOTD="two',
    'lines"   # kept',
    "DOCKER0_IP=172.17.0.1",
  ].join("\n");

  test("changes the value only: comments, banner, quoting, export and a missing final newline stay", () => {
    const { text, written } =
      mergeAndCheck(composeFormat, userFile, "CONSOLE_PORT=9001\nDOCKER0_IP=172.17.0.1\nMOTD=x\n", []) ?? {};
    const expected = userFile.replace("9000", "9001").replace('"two\nlines"', "x");
    expect(text).toBe(expected);
    expect(written).toEqual([["CONSOLE_PORT"], ["MOTD"]]);
  });

  test("a value that is right already is left in its own quotes", () => {
    expect(mergeAndCheck(composeFormat, userFile, 'W9_POWER_PASSWORD="S3cr\\\\et"\n', [])?.text).toBe(userFile);
  });

  test("new keys go to the end on a line of their own", () => {
    expect(mergeAndCheck(composeFormat, "A=1", "B=2\nC=3\n", [])?.text).toBe("A=1\nB=2\nC=3");
    expect(mergeAndCheck(composeFormat, "A=1\r\n", "B=2\n", [])?.text).toBe("A=1\r\nB=2\r\n");
    expect(mergeAndCheck(composeFormat, "", "B=2\n", [])?.text).toBe("B=2\n");
    expect(mergeAndCheck(composeFormat, "\uFEFF", "B=2\n", [])?.text).toBe("\uFEFFB=2\n");
  });

  test("of a key that stands twice the effective one is changed, and all of them are removed", () => {
    expect(mergeAndCheck(composeFormat, "A=1\nA=2\n", "A=3", [])?.text).toBe("A=1\nA=3\n");
    expect(mergeAndCheck(composeFormat, "A=1\nB=1\nA='2\n'\n", "", [["A"]])?.text).toBe("B=1\n");
  });

  test("a reference is another thing than the same letters", () => {
    expect(mergeAndCheck(composeFormat, "A=$B\n", "A='$B'\n", [])?.text).toBe("A='$B'\n");
    expect(mergeAndCheck(composeFormat, "A='$B'\n", "A=$B\n", [])?.text).toBe("A=$B\n");
    expect(mergeAndCheck(composeFormat, "A=$B\n", "A=$B\n", [])?.text).toBe("A=$B\n");
  });

  test("a comment that touches the old value does not become part of the new one", () => {
    expect(mergeAndCheck(composeFormat, "A='x'#c\n", "A=y\n", [])?.text).toBe("A=y #c\n");
  });

  test.each(formats)("$name keeps every line of other keys in order, writes once, removes what is gone", (format) => {
    const name = fc.constantFrom("A", "B", "C_1", "D");
    const line = fc.oneof(
      fc.constantFrom("# it's a comment", "", "#### banner ####"),
      fc.tuple(name, hostileValue).map(([key, value]) => lineOf(format, `X${key}`, value)),
      fc.tuple(name, hostileValue).map(([key, value]) => lineOf(format, key, value)),
    );
    const gone = fc.subarray(["A", "B", "XA"]);
    fc.assert(
      fc.property(
        fc.array(line),
        fc.array(line),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        gone,
        (old, mine, eol, ended, names) => {
          const existing = old.join(eol) + (ended && old.length > 0 ? eol : "");
          const wanted = mine.join("\n");
          const merged = mergeAndCheck(
            format,
            existing,
            wanted,
            names.map((key) => [key]),
          );
          if (merged === undefined) throw new Error("a merge of well-formed files was refused");
          const touched = new Set([...names, ...valuesOf(format, wanted).keys()]);
          const untouched = old.filter(
            (text) => !text.includes("\n") && !touched.has(/^\w+(?==)/.exec(text)?.[0] ?? ""),
          );
          expectLinesInOrder(merged.text, untouched);
          for (const key of names)
            if (!valuesOf(format, wanted).has(key)) expect(valuesOf(format, merged.text).has(key)).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("10,000 keys", () => {
    const existing = Array.from({ length: 10_000 }, (_, i) => `K${i}=${i}`).join("\n");
    const wanted = Array.from({ length: 10_000 }, (_, i) => `K${i * 2}=x`).join("\n");
    expect(mergeAndCheck(composeFormat, existing, wanted, [])?.written).toHaveLength(10_000);
  });
});

/** A line, or a comment where the format cannot hold the value. */
function lineOf(format: Format, key: string, value: string): string {
  try {
    return `${key}=${format.write(value.replaceAll("\n", "").replaceAll("\r", ""))}`;
  } catch {
    return "# refused";
  }
}
