import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Field } from "../format.ts";
import { contentStart, placesOf } from "../text-edits.ts";
import { type Leaf, maxDepth, type ToField } from "../tree.ts";

export interface JsonObject {
  readonly kind: "object";
  readonly start: number;
  readonly end: number;
  readonly members: ReadonlyMap<string, Member>;
}

/** `"key": value`; `start` is the key's, `comma` the offset of the comma behind, if there is one. */
export interface Member {
  readonly start: number;
  readonly end: number;
  readonly keyEnd: number;
  readonly comma: number | undefined;
  readonly value: JsonValue;
}

export type JsonValue = JsonObject | Leaf;

/** `foreign` texts may hold what many programs accept in their JSON files: comments, trailing commas, a byte order mark. */
export type Strictness = "strict" | "foreign";

export function parseJson(text: string, strictness: Strictness): JsonValue {
  const place = placesOf(text);
  const fail = (message: string, offset: number) =>
    new ConfigSyncError("PARSE_FAILED", message, { place: place(offset) });
  if (strictness === "strict" && contentStart(text) > 0) throw fail("a byte order mark is not JSON", 0);
  const source = text.replace(/^\uFEFF/, " ");
  const tooDeep = offsetBelowMaxDepth(source);
  if (tooDeep !== undefined) throw fail(`is nested deeper than ${maxDepth} levels`, tooDeep);

  const errors: ParseError[] = [];
  const tolerated = strictness === "foreign";
  const root = parseTree(source, errors, { disallowComments: !tolerated, allowTrailingComma: tolerated });
  const [problem] = errors;
  if (problem !== undefined) throw fail(`is not valid JSON: ${inWords(problem)}`, problem.offset);
  if (root === undefined) throw fail("is not valid JSON: it is empty", 0);
  return convert(root);

  function convert(node: Node): JsonValue {
    const { offset: start } = node;
    const end = start + node.length;
    if (node.type !== "object") return { kind: "leaf", start, end, ...place(start), json: toJson(node) };
    const members = new Map<string, Member>();
    for (const [key, property, value] of properties(node)) {
      const keyEnd = property.offset + (property.children?.[0]?.length ?? 0);
      const propertyEnd = property.offset + property.length;
      const comma = commaAfter(source, propertyEnd);
      members.set(key, { start: property.offset, end: propertyEnd, keyEnd, comma, value: convert(value) });
    }
    return { kind: "object", start, end, members };
  }

  function toJson(node: Node): string {
    const written = source.slice(node.offset, node.offset + node.length);
    if (node.type === "number") return /^-?\d+$/.test(written) ? written : numberToJson(written);
    if (node.type === "array") return `[${(node.children ?? []).map(toJson).join(",")}]`;
    if (node.type !== "object") return JSON.stringify(node.value);
    return `{${properties(node).map(([key, , value]) => `${JSON.stringify(key)}:${toJson(value)}`)}}`;
  }

  function properties(node: Node): [key: string, property: Node, value: Node][] {
    const seen = new Set<string>();
    return (node.children ?? []).map((property) => {
      const [keyNode, value] = property.children ?? [];
      if (keyNode === undefined || value === undefined) throw fail("a key has no value", property.offset);
      const key = String(keyNode.value);
      if (seen.has(key)) throw fail(`the key "${key}" stands twice in one object`, property.offset);
      seen.add(key);
      return [key, property, value];
    });
  }
}

/** The leaves as Fields, in order. An empty object holds none. */
export function fieldsOfJson(value: JsonValue, toField: ToField, path: Path = []): Field[] {
  if (value.kind === "leaf") return [toField(path, value)];
  return [...value.members].flatMap(([key, member]) => fieldsOfJson(member.value, toField, [...path, key]));
}

function offsetBelowMaxDepth(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  // Behind an unclosed comment the last token has a length, over and over: only its offset tells that it is the end.
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const first = text.charAt(scanner.getTokenOffset());
    if (first === "{" || first === "[") depth++;
    if (first === "}" || first === "]") depth--;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
  return undefined;
}

/** `PropertyNameExpected` as `property name expected`. */
function inWords({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/(?!^)([A-Z])/g, " $1")
    .toLowerCase();
}

function numberToJson(written: string): string {
  const number = Number(written);
  return Number.isFinite(number) ? String(number) : written;
}

function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  return text.charAt(scanner.getTokenOffset()) === "," ? scanner.getTokenOffset() : undefined;
}
