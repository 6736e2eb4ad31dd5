/** What JSON, YAML and TOML have in common: trees of a few keys, printed in several styles. */
import fc from "fast-check";
import type { Path } from "../../../src/config/path.ts";
import type { Format } from "../../../src/formats/format.ts";
import { hostileValue } from "../arbitraries.ts";
import type { Wanted } from "../duel.ts";
import { subjectOf } from "../subject.ts";

export interface Tree {
  readonly [key: string]: Tree | Leaf;
}
export type Leaf = string | number | boolean | readonly (string | number)[];

export const treePaths: readonly Path[] = [
  ["a"],
  ["b"],
  ["t", "a"],
  ["t", "fresh"],
  ["t", "u", "a"],
  ["x y", "d.e"],
  ["fresh"],
];

const key = fc.constantFrom("a", "b", "c", "t", "u", "x y", "d.e", "true", "1", "");
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom(
    "5",
    "true",
    "null",
    "a: b",
    "- x",
    "# no",
    " #",
    "",
    "it's",
    '"q"',
    "two\nlines",
    "back\\slash",
    "~",
    "0x1f",
  ),
);
const number = fc.oneof(fc.integer(), fc.constantFrom(0, 1.5, -0.25, 1e21, 123456789012));
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.array(fc.oneof(text, number), { maxLength: 3 }),
);

export const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc
    .array(fc.tuple(key, fc.oneof({ maxDepth: 3 }, leaf, leaf, tie("tree"))), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries) as Tree),
}));

export function isTree(value: Tree | Leaf): value is Tree {
  return typeof value === "object" && !Array.isArray(value);
}

/** Nested maps of what is already written in the format. */
export interface Written {
  readonly [key: string]: Written | string;
}

export function nest(wanted: readonly Wanted[], write: (value: string) => string): Written {
  const root: Record<string, Written | string> = {};
  for (const { path, value } of wanted) {
    let at = root;
    for (const name of path.slice(0, -1)) {
      const inner = at[name];
      const next = typeof inner === "object" ? (inner as Record<string, Written | string>) : {};
      at[name] = next;
      at = next;
    }
    at[path.at(-1) ?? ""] = write(value);
  }
  return root;
}

/** A format of trees as one side of a duel; `print` makes a text of it that is merged in. */
export function treeSide(format: Format, print: (written: Written) => string, values = hostileValue) {
  const subject = subjectOf(format, {
    print: (wanted, write) => print(nest(wanted, write)),
    ...{ paths: treePaths, values, isLined: false },
  });
  return { subject, values, isTyped: true };
}
