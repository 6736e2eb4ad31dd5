import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Format } from "../../../src/formats/format.ts";
import { jsonFormat } from "../../../src/formats/json/format.ts";
import { tomlFormat } from "../../../src/formats/toml/format.ts";

/** Reads every text of a list with one of Python's own parsers, and gives back the key `v` of each. */
function readWithPython(parser: "tomllib" | "json", texts: readonly string[]): string[] {
  const program = `import json, sys, ${parser}\nprint(json.dumps([${parser}.loads(t)["v"] for t in json.load(sys.stdin)]))`;
  const options = {
    input: JSON.stringify(texts),
    encoding: "utf8",
    timeout: 30_000,
    maxBuffer: 64 * 1024 * 1024,
  } as const;
  return JSON.parse(execFileSync("python3", ["-c", program], options)) as string[];
}

test.each([
  { parser: "tomllib", format: tomlFormat, around: (written: string) => `v = ${written}\n` },
  { parser: "json", format: jsonFormat, around: (written: string) => `{"v": ${written}}` },
] as const)("Python's $parser reads exactly what we write", ({ parser, format, around }) => {
  const values = fc.sample(fc.string({ unit: "grapheme-composite", maxLength: 20 }), 2000);
  const controls = Array.from({ length: 0xa0 }, (_, code) => `a${String.fromCharCode(code)}b`);
  const all = [...values, ...controls, "\u2028\ufeff\ufffe", '"""', "'''", "\\u0041", "x".repeat(1024 * 1024)];
  const written = all.map((value) => around((format as Format).write(value)));
  expect(readWithPython(parser, written)).toEqual(all);
});
