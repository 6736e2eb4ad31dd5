import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  type Pair,
  type ParsedNode,
  Parser,
  visit,
  type YAMLMap,
} from "yaml";
import type { Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import { withoutExcerpt } from "../checked-yaml.ts";
import type { Field } from "../format.ts";
import { placesOf } from "../text-edits.ts";
import { maxDepth, type ToField } from "../tree.ts";

export interface YamlText {
  readonly text: string;
  /** Null for a text of comments and blank lines. */
  readonly root: ParsedNode | null;
  readonly document: Document.Parsed;
  readonly lineOf: (offset: number) => number;
  readonly fail: (message: string, offset: number) => ConfigSyncError;
}

export type YamlPair = Pair<ParsedNode, ParsedNode | null>;
export type YamlMapping = YAMLMap.Parsed;

const notPrintable = /[^\t\n\r\x20-\x7e\x85\xA0-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** One YAML document with its positions. Several documents, duplicate keys, deep nesting and alias bombs are refused. */
export function parseYamlText(text: string): YamlText {
  const place = placesOf(text);
  const fail = (message: string, offset: number) =>
    new ConfigSyncError("PARSE_FAILED", message, { place: place(offset) });
  const lineOf = (offset: number) => place(offset).line;
  const unprintable = notPrintable.exec(text);
  if (unprintable !== null) throw fail("holds a character that YAML does not allow", unprintable.index);
  // A line break to YAML and most readers, and a part of the value to the library that we read with.
  const loneReturn = text.search(/\r(?!\n)/);
  if (loneReturn >= 0) throw fail("holds a carriage return without a line feed", loneReturn);
  const tokens = [...new Parser().parse(text)];
  const tooDeep = offsetBelowMaxDepth(tokens);
  if (tooDeep !== undefined) throw fail(`is nested deeper than ${maxDepth} levels`, tooDeep);

  const composer = new Composer({ keepSourceTokens: true, intAsBigInt: true, prettyErrors: false, uniqueKeys: false });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (document === undefined) throw fail("is not valid YAML", 0);
  const [problem] = document.errors;
  if (problem !== undefined) throw fail(`is not valid YAML: ${withoutExcerpt(problem.message)}`, problem.pos[0]);
  if (second !== undefined) throw fail("holds more than one YAML document", second.range[0]);
  // The library compares every key with every other: seconds for 10,000 keys.
  visit(document, { Map: (_, mapping) => refuseDuplicates(mapping.items as YamlPair[], fail) });
  return { text, root: document.contents as ParsedNode | null, document: document as Document.Parsed, lineOf, fail };
}

/** The leaves as Fields, in order. Lists and aliases are leaves, an empty mapping holds none. */
export function fieldsOfYaml(yaml: YamlText, toField: ToField, node = yaml.root, path: Path = []): Field[] {
  return node === null ? [] : collect(node, path, 0);

  function collect(value: ParsedNode | null, at: Path, keyEnd: number): Field[] {
    if (isMap(value)) {
      return [...pairsOf(yaml, value)].flatMap(([key, pair]) => collect(pair.value, [...at, key], endOf(pair.key)));
    }
    const [start, end] = value?.range ?? [keyEnd, keyEnd];
    return [toField(at, { kind: "leaf", start, end, line: yaml.lineOf(start), json: yamlToJson(yaml, value) })];
  }
}

function refuseDuplicates(pairs: readonly YamlPair[], fail: YamlText["fail"]): void {
  const seen = new Set<string>();
  for (const { key } of pairs) {
    const name = nameOf(key);
    if (name !== undefined && seen.has(name)) throw fail(`the key "${name}" stands twice in one mapping`, key.range[0]);
    if (name !== undefined) seen.add(name);
  }
}

/** Keys are told apart by their text alone: 1 and "1" are one key to most programs. */
function nameOf(key: ParsedNode): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

/** The pairs of a mapping by key. */
export function pairsOf(yaml: YamlText, mapping: YamlMapping): Map<string, YamlPair> {
  const pairs = mapping.items as YamlPair[];
  return new Map(
    pairs.map((pair) => {
      const name = nameOf(pair.key);
      if (name === undefined) throw yaml.fail("a key is no plain text", pair.key.range[0]);
      // YAML takes `: 1` for a key of null; most readers do not.
      if (pair.key.range[0] === endOf(pair.key))
        throw yaml.fail("a key is missing before its colon", pair.key.range[0]);
      return [name, pair];
    }),
  );
}

export function endOf(node: ParsedNode): number {
  return node.range[1];
}

export function yamlToJs(yaml: YamlText, node: ParsedNode | null): unknown {
  if (node === null) return null;
  try {
    return node.toJS(yaml.document, { maxAliasCount: 100 });
  } catch {
    throw yaml.fail("uses aliases that would grow without measure, or that refer to themselves", node.range[0]);
  }
}

/** With the tag where it is one of the program's own, such as `!vault`. */
function yamlToJson(yaml: YamlText, node: ParsedNode | null): string {
  const tooDeep = () => yaml.fail(`is nested deeper than ${maxDepth} levels, aliases included`, node?.range[0] ?? 0);
  const json = toJson(yamlToJs(yaml, node), 0, tooDeep);
  const tag = isNode(node) && !isAlias(node) ? node.tag : undefined;
  return tag === undefined || tag.startsWith("tag:yaml.org,2002:") ? json : `${tag} ${json}`;
}

function toJson(value: unknown, depth: number, tooDeep: () => Error): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return JSON.stringify(value);
  if (depth > maxDepth) throw tooDeep();
  const inner = (child: unknown) => toJson(child, depth + 1, tooDeep);
  if (Array.isArray(value)) return `[${value.map(inner).join(",")}]`;
  return `{${Object.entries(value).map(([key, child]) => `${JSON.stringify(key)}:${inner(child)}`)}}`;
}

function offsetBelowMaxDepth(tokens: readonly CST.Token[]): number | undefined {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > maxDepth) return token.offset;
    const inner =
      "items" in token ? token.items.flatMap(({ key, value }) => [key, value]) : "value" in token ? [token.value] : [];
    for (const child of inner) if (child) open.push({ token: child, depth: "items" in token ? depth + 1 : depth });
  }
  return undefined;
}
