/** What JSON, YAML and TOML have in common: random trees, merged, and read by the libraries that others read them with. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { parse as parseTomlText, stringify as stringifyToml } from "smol-toml";
import { describe, expect, test } from "vitest";
import { parse as parseYamlText, stringify as stringifyYaml } from "yaml";
import { formatPath, type Path } from "../../../src/config/path.ts";
import type { Format } from "../../../src/formats/format.ts";
import { jsonFormat } from "../../../src/formats/json/format.ts";
import { tomlFormat } from "../../../src/formats/toml/format.ts";
import { yamlFormat } from "../../../src/formats/yaml/format.ts";
import { errorOf, expectExactOrRefused, hostileValue, mergeAndCheck, valuesOf } from "./promises.ts";

interface Tree {
  [key: string]: Tree | Leaf;
}
type Leaf = string | number | boolean | readonly (string | number)[];

interface Kind {
  readonly format: Format;
  /** The tree written by somebody else, in one of several styles. */
  readonly print: (tree: Tree, style: number) => string;
  readonly parse: (text: string) => unknown;
  readonly around: (written: string) => string;
}

const kinds: readonly Kind[] = [
  {
    format: jsonFormat,
    print: (tree, style) => {
      const text = JSON.stringify(tree, null, [0, 2, 4, "\t", 1][style % 5]);
      return (style % 5 === 4 ? text.replaceAll(/\n */g, " ") : text) + (style % 3 === 0 ? "\n" : "");
    },
    parse: JSON.parse,
    around: (written) => `{"a": {"b": ${written}}, "c": 1}`,
  },
  {
    format: yamlFormat,
    print: (tree, style) => {
      const collectionStyle = style % 5 === 0 ? "flow" : "any";
      const defaultStringType = style % 3 === 0 ? "QUOTE_DOUBLE" : style % 3 === 1 ? "PLAIN" : "BLOCK_LITERAL";
      const text = stringifyYaml(tree, {
        indent: style % 2 === 0 ? 2 : 4,
        indentSeq: style % 4 < 2,
        collectionStyle,
        defaultStringType,
      });
      return style % 7 === 0 ? text.trimEnd() : text;
    },
    parse: (text) => parseYamlText(text) ?? {},
    around: (written) => `a:\n  b: ${written}\nc: 1\n`,
  },
  {
    format: tomlFormat,
    print: (tree, style) => (style % 3 === 0 ? inlineToml(tree) : stringifyToml(tree)),
    parse: parseTomlText,
    around: (written) => `[a]\nb = ${written} # c\n`,
  },
];

const key = fc.constantFrom("a", "b", "c", "port", "x y", "d.e", "__proto__", "constructor");
const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom("5", "true", "a: b", "- x", "#", "", "it's", 'q"', "l1 l2"),
);
const leaf: fc.Arbitrary<Leaf> = fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text, { maxLength: 3 }));
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc
    .array(fc.tuple(key, fc.oneof({ maxDepth: 3 }, leaf, tie("tree"))), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries) as Tree),
}));

// Room for a machine that is busy with other things.
describe.each(kinds)("$format.name", { timeout: 60_000 }, ({ format, print, parse, around }) => {
  test("a value is read back exactly, by us and by the library, or refused", () => {
    let written = 0;
    fc.assert(
      fc.property(hostileValue, (value) => {
        if (!expectExactOrRefused(format, value, around, ["a", "b"])) return;
        written++;
        expect((parse(around(format.write(value))) as { a: { b: string } }).a.b).toBe(value);
      }),
      { numRuns: 800 },
    );
    expect(written).toBeGreaterThan(400);
  });

  test("a mebibyte is read back", () => {
    expect(expectExactOrRefused(format, "x'\"\\\n#é".repeat(150_000), around, ["a", "b"])).toBe(true);
  });

  test("merging gives what the library would get by merging the trees, in any style, and keeps the order of keys", () => {
    const roundTrips = (value: Tree, style: number) =>
      isDeepStrictEqual(leavesOf(parse(print(value, style)) as Tree), leavesOf(value));
    let merges = 0;
    fc.assert(
      fc.property(
        tree,
        tree,
        fc.nat(200),
        fc.nat(200),
        fc.array(fc.nat(20), { maxLength: 3 }),
        (old, mine, style, other, picks) => {
          // Some texts of blanks do not survive the YAML library's own printing.
          fc.pre([[old, style] as const, [mine, other] as const].every(([value, how]) => roundTrips(value, how)));
          const paths = leavesOf(old).map(([path]) => path);
          const gone = picks.flatMap((index) => paths.slice(index, index + 1));
          const merged = mergeAndCheck(format, print(old, style), print(mine, other), gone);
          if (merged === undefined) {
            expect(clash(old, mine), `refused: ${print(old, style)} + ${print(mine, other)}`).toBe(true);
            return;
          }
          merges++;
          const expected = new Map(
            leavesOf(old)
              .filter(([path]) => !hidden(format, path, mine))
              .map(([path, value]) => [formatPath(path), value]),
          );
          for (const path of gone) expected.delete(formatPath(path));
          for (const [path, value] of leavesOf(mine)) expected.set(formatPath(path), value);
          const actual = leavesOf(parse(merged.text) as Tree).map(
            ([path, value]) => [formatPath(path), value] as const,
          );
          expect(new Map(actual)).toEqual(expected);
        },
      ),
      { numRuns: 600 },
    );
    expect(merges).toBeGreaterThan(300);
  });

  test("reading never fails in another way than with PARSE_FAILED and a place", () => {
    const garbage = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc
        .array(fc.constantFrom(..."{}[]\",:=#&*!|>-'\\\n\t ab1\0\uFEFF", "<<", "[[", '"""', "---\n"), { maxLength: 20 })
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(garbage, (input) => {
        try {
          format.read(input);
        } catch (error) {
          expect(error).toMatchObject({ code: "PARSE_FAILED", place: { line: expect.any(Number) } });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("10,000 keys are merged", () => {
    const flat = (step: number, value: number): Tree =>
      Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i * step}`, value]));
    const merged = mergeAndCheck(format, print(flat(1, 1), 2), print(flat(2, 3), 2), []);
    expect(merged?.written).toHaveLength(10_000);
    expect(valuesOf(format, merged?.text ?? "").size).toBe(15_000);
  });
});

test.each([
  [jsonFormat, "[".repeat(100_000)],
  [jsonFormat, '{"a":'.repeat(100_000)],
  [yamlFormat, "[".repeat(100_000)],
  [yamlFormat, "- ".repeat(10_000)],
  [yamlFormat, Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
  [yamlFormat, "a: &a [*a]"],
  [tomlFormat, `a = ${"[".repeat(100_000)}`],
  [tomlFormat, `${"a.".repeat(10_000)}a = 1`],
  [tomlFormat, `[[${"a.".repeat(10_000)}a]]`],
])("deep nesting is refused and does not exhaust the stack (%#)", (format, input) => {
  const error = errorOf(() => format.read(input));
  expect(error.code).toBe("PARSE_FAILED");
  expect(error.message).toMatch(/nested|100 parts/);
});

test("a JSON text that ends in an open comment is refused, and not read for ever", () => {
  expect(errorOf(() => jsonFormat.read("{}\n/*")).code).toBe("PARSE_FAILED");
  expect(errorOf(() => jsonFormat.merge?.("{} /* c", "{}", [])).code).toBe("PARSE_FAILED");
});

test.each([
  ["a key that is missing", ": 1\n"],
  ["a carriage return that ends a line for others only", "a: 1\rb: 2\n"],
])("YAML with %s is refused: its readers do not agree", (_, text) => {
  expect(errorOf(() => yamlFormat.read(text)).code).toBe("PARSE_FAILED");
});

test.each([
  [jsonFormat, '{"pwd": "hunter2'],
  [jsonFormat, '{"pwd": hunter2}'],
  [yamlFormat, 'pwd: "hunter2'],
  [yamlFormat, 'pwd: "\\xhunter2"'],
  [yamlFormat, "pwd: *hunter2"],
  [yamlFormat, "{a: 1} hunter2"],
  [yamlFormat, "a: b: hunter2"],
  [yamlFormat, "a: 'x' hunter2"],
  [yamlFormat, "a: 1\n hunter2\n%hunter2\n- hunter2"],
  [tomlFormat, 'pwd = "hunter2'],
  [tomlFormat, "pwd = hunter2"],
  [tomlFormat, 'pwd = "x" hunter2'],
])("an error does not quote the text (%#)", (format, input) => {
  const error = errorOf(() => format.read(input));
  expect(error.toText()).not.toContain("hunter");
});

function leavesOf(value: Tree | Leaf, path: Path = []): [Path, Leaf][] {
  if (typeof value !== "object" || Array.isArray(value)) return [[path, value as Leaf]];
  return Object.entries(value as Tree).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

/** A leaf gives way to a mapping that is wanted in its place. An empty TOML table is no key, and takes no place. */
function hidden(kind: Format, path: Path, mine: Tree): boolean {
  let value: Tree | Leaf | undefined = mine;
  for (const name of path) value = isTree(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return isTree(value) && (kind !== tomlFormat || leavesOf(value).length > 0);
}

function isTree(value: Tree | Leaf | undefined): value is Tree {
  return typeof value === "object" && !Array.isArray(value);
}

/** A key is a mapping in one tree and a leaf, or an empty mapping, in the other. */
function clash(old: Tree | Leaf | undefined, mine: Tree | Leaf | undefined): boolean {
  if (old === undefined || mine === undefined) return false;
  const maps = [old, mine].filter(isTree);
  const [first, second] = maps;
  if (first === undefined || second === undefined) return maps.length === 1;
  return Object.keys(first).some((name) => Object.hasOwn(second, name) && clash(first[name], second[name]));
}

function inlineToml(tree: Tree): string {
  return Object.entries(tree)
    .map(([name, value]) => `${JSON.stringify(name)} = ${inlineTomlValue(value)}\n`)
    .join("");
}

function inlineTomlValue(value: Tree | Leaf): string {
  if (typeof value === "string") return tomlFormat.write(value);
  if (Array.isArray(value)) return `[ ${value.map(inlineTomlValue).join(", ")} ]`;
  if (typeof value !== "object") return String(value);
  const members = Object.entries(value as Tree).map(
    ([name, inner]) => `${JSON.stringify(name)} = ${inlineTomlValue(inner)}`,
  );
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
