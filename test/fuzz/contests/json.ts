import fc from "fast-check";
import type { Format } from "../../../src/formats/format.ts";
import { jsonFormat } from "../../../src/formats/json/format.ts";
import { hostileValue, joined } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { readTree, type TaggedTree } from "../oracles/tagged-tree.ts";
import { pureOracle } from "../reading.ts";
import { tree, treeSide, type Written } from "./trees.ts";

const likely = fc
  .tuple(tree, fc.constantFrom(0, 1, 2, 4, "\t"), fc.constantFrom("", "\n"))
  .map(([value, indent, end]) => JSON.stringify(value, null, indent) + end);

const tokens = [
  ..."{}[],:\"'\\/ \n\t",
  "true",
  "null",
  "1",
  "-0",
  "1e5",
  "01",
  ".5",
  '"a"',
  '"b": ',
  '"\\u0041"',
  "//c\n",
  "/*",
  "\u00a0",
];
const wild = fc.oneof(
  joined(fc.constantFrom(...tokens), 14),
  fc
    .tuple(likely, fc.nat(60), fc.constantFrom(...tokens))
    .map(([text, at, token]) => text.slice(0, at) + token + text.slice(at)),
);

/** A file that we render is strict; what we merge into may have comments, which V8 does not read. */
export const jsonContest = createContest({
  name: "json",
  against: "JSON.parse, and duplicate keys refused",
  needsPrograms: false,
  startOracle: pureOracle((text) => readTree(parseStrictly(text))),
  ...treeSide(
    jsonFormat as Format,
    print,
    hostileValue.filter((value) => value.isWellFormed()),
  ),
  frames: [
    { before: '{"k": ', after: ', "z": 1}', path: ["k"] },
    { before: '{\n  "a": {"b": [], "c": ', after: "}\n}\n", path: ["a", "c"] },
  ],
  likely,
  wild,
  templates: [
    '{"k": {{v.x}}, "last": 1}\n',
    '{"k": "a{{v.x}}z", "last": 1}\n',
    '{"k": "{{v.x}}{{v.x}}", "last": 1}\n',
    '{"k": [{{v.x}}, {{v.x}}], "last": 1}\n',
    '{\n  "k":\n    {{v.x}}\n}\n',
    '{"{{v.x}}": 1, "last": 1}\n',
    '{"k": {"a": "http://{{v.x}}/"}, "last": 1}\n',
  ],
});

function print(value: Written | string): string {
  if (typeof value === "string") return value;
  return `{${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${print(inner)}`)}}`;
}

/** JSON.parse, with integers as they are written, and null where an object has a key twice. */
function parseStrictly(text: string): TaggedTree | null {
  try {
    const value: unknown = JSON.parse(text, keepSource);
    return hasDuplicates(text) ? null : tag(value);
  } catch {
    return null;
  }
}

/** V8 hands the text of a number over as well. TypeScript does not know that yet, hence the default. */
function keepSource(_key: string, value: unknown, context: { readonly source?: string } = {}): unknown {
  return typeof value === "number" ? { source: context.source ?? "" } : value;
}

function tag(value: unknown): TaggedTree {
  if (typeof value === "string") return { text: value };
  if (typeof value !== "object" || value === null) return { word: String(value) };
  if (Array.isArray(value)) return { list: value.map(tag) };
  if (isNumber(value)) return /^-?\d+$/.test(value.source) ? { integer: value.source } : floatOf(value.source);
  return { map: Object.entries(value).map(([key, inner]) => [key, tag(inner)] as const) };
}

function isNumber(value: object): value is { source: string } {
  return "source" in value && typeof value.source === "string";
}

/** A number beyond what a double can hold is kept as it is written. */
function floatOf(source: string): TaggedTree {
  return Number.isFinite(Number(source)) ? { float: source } : { integer: source };
}

/** Strings behind `{` or `,` and before `:` are keys; a stack knows which object each is in. */
function hasDuplicates(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:|"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token.endsWith(":")) {
      const key = JSON.parse(token.replace(/\s*:$/, "")) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return true;
      keys?.add(key);
    }
  }
  return false;
}
