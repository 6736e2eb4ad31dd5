import { keyOf, plainReading, type Reading } from "../reading.ts";

/** A tree whose leaves say what they are, as readers.py sends it. */
export type TaggedTree =
  | { readonly map: readonly (readonly [key: string, value: TaggedTree])[] }
  | { readonly list: readonly TaggedTree[] }
  | { readonly text: string }
  | { readonly integer: string }
  | { readonly float: string }
  | { readonly word: string }
  | { readonly date: string };

/**
 * The leaves by path, each as JSON that tells the text "5" from the number; lists are leaves. With `points` a float tells itself
 * from an integer too, as in TOML: `100.0`.
 */
export function readTree(tree: TaggedTree | null, { points = false } = {}): Reading | undefined {
  if (tree === null) return undefined;
  const values = new Map<string, string>();
  collect(tree, []);
  return plainReading(values);

  function collect(node: TaggedTree, path: readonly string[]): void {
    if ("map" in node) for (const [key, value] of node.map) collect(value, [...path, key]);
    else values.set(keyOf(path), jsonOf(node, points));
  }
}

function jsonOf(node: TaggedTree, points: boolean): string {
  if ("text" in node) return JSON.stringify(node.text);
  if ("word" in node) return node.word;
  if ("integer" in node) return node.integer;
  if ("float" in node) return floatOf(node.float, points);
  if ("date" in node) return node.date;
  if ("list" in node) return `[${node.list.map((item) => jsonOf(item, points)).join(",")}]`;
  // In the order that an object has: names that are numbers come first.
  const members = Object.entries(Object.fromEntries(node.map.map(([key, value]) => [key, jsonOf(value, points)])));
  return `{${members.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(",")}}`;
}

/** As JavaScript writes it: `1e+21`, where Python has `1e+21` too but `1e16` for what is `10000000000000000` here. */
function floatOf(written: string, points: boolean): string {
  const float = Number(written.replace("inf", "Infinity").replace("nan", "NaN"));
  return points && Number.isInteger(float) ? float.toFixed(1) : String(float);
}
