import ini from "ini";
import type { Path } from "../../config/path.ts";
import {
  createDocument,
  type Document,
  type Header,
  isPair,
  type Line,
  type Pair,
  type PhysicalLine,
  splitLines,
} from "./document.ts";
import { parseFailed, shownName } from "./refusal.ts";
import { isJavaScriptSpace, type Slice, trimSlice } from "./whitespace.ts";

type Draft = { -readonly [Name in keyof Pair]: Pair[Name] };
type Tree = Record<string, unknown>;

/** Deeper nesting than any program has; keeps a header of a million dots from being walked. */
const nestingLimit = 64;

/**
 * The lines of a text as npm `ini` 7 reads it. What sections, keys and values mean is asked of npm `ini` itself, line by line
 * for the places and once for the whole: what it would drop or overwrite without a word (`=v`, `__proto__`, a key `b` of
 * `[a]` beside `[a.b]`, `[s] ; comment`) is refused.
 */
export function scanNpm(text: string): Document {
  const lines: Line[] = [];
  const arrays = new Map<string, Map<string, Draft[] | Draft>>();
  let section: Path = [];
  let keys = new Map<string, Draft[] | Draft>();
  arrays.set("", keys);
  for (const line of splitLines(text, "any")) {
    const content = trimSlice(text, line, isJavaScriptSpace);
    const span = { start: line.start, end: line.next, number: line.number };
    const written = text.slice(content.start, content.end);
    if (written === "") lines.push({ kind: "blank", ...span });
    else if (/^[;#]/.test(written)) lines.push({ kind: "comment", ...span });
    else if (isHeader(text, line, content.start, written)) {
      section = readSection(written, line);
      const id = JSON.stringify(section);
      keys = arrays.get(id) ?? new Map();
      arrays.set(id, keys);
      lines.push({ kind: "section", section, name: content, ...span });
    } else {
      if (/^\[[^=]*$/.test(written)) {
        throw refuse("npm ini takes this header for a key", line, "Write [section] alone, from the first column");
      }
      const { name, isArray, ...pair } = readPair(text, content, line);
      const draft: Draft = { kind: "pair", section, path: [...section, name], ...pair, ...span };
      addPair(keys, name, isArray, draft);
      lines.push(draft);
    }
  }
  const document = createDocument(text, lines);
  refuseLosses(document);
  return document;
}

/** From the very first column: npm ini does not skip a byte order mark there. */
function isHeader(text: string, line: PhysicalLine, start: number, written: string): boolean {
  const isFirst = start === line.start && !(start === 1 && text.startsWith("\uFEFF"));
  return isFirst && written.startsWith("[") && written.indexOf("]") === written.length - 1;
}

function readSection(written: string, line: PhysicalLine): Path {
  if (written.split(".", nestingLimit + 2).length > nestingLimit + 1) {
    throw refuse(`the section is nested more than ${nestingLimit} deep`, line, "Use fewer dots");
  }
  const path: string[] = [];
  let tree: unknown = ini.parse(`${written}\nkey=value`);
  while (typeof tree === "object" && tree !== null) {
    const [entry] = Object.entries(tree);
    if (entry === undefined) throw refuse("npm ini drops this section", line, "Choose another name");
    path.push(entry[0]);
    tree = entry[1];
  }
  return path.slice(0, -1);
}

interface ReadPair extends Pick<Pair, "key" | "value" | "literal"> {
  readonly name: string;
  readonly isArray: boolean;
}

function readPair(text: string, content: Slice, line: PhysicalLine): ReadPair {
  const equals = text.slice(content.start, content.end).indexOf("=");
  const middle = equals < 0 ? content.end : content.start + equals;
  const key = trimSlice(text, { start: content.start, end: middle }, isJavaScriptSpace);
  const name = ini.unsafe(text.slice(key.start, key.end));
  if (typeof name !== "string" || key.start === key.end) throw refuse("npm ini cannot use this key", line, "Rename it");
  const isArray = name.length > 2 && name.endsWith("[]");
  const named = { name: isArray ? name.slice(0, -2) : name, isArray, key };
  if (equals < 0) return { ...named, value: { start: key.end, end: key.end }, literal: "true" };
  const written = trimSlice(text, { start: middle + 1, end: line.end }, isJavaScriptSpace);
  const raw = text.slice(written.start, written.end);
  const literal = canonical(ini.unsafe(raw));
  if (literal === undefined) {
    throw refuse(
      "the value is a JSON object or list, which npm ini spreads",
      line,
      "Use a [section], or key[] = value",
    );
  }
  return { ...named, value: { start: written.start, end: written.start + valueLength(raw) }, literal };
}

/** A value as text: npm ini makes true, false, null and numbers in `'` of some. */
function canonical(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? undefined : String(value);
}

/** Without the comment that ends an unquoted value. */
function valueLength(raw: string): number {
  if (/^(["']).*\1$/s.test(raw)) return raw.length;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === "\\") i++;
    else if (raw[i] === ";" || raw[i] === "#") return raw.slice(0, i).trimEnd().length;
  }
  return raw.length;
}

/** `key[]` makes a list of the key, of which a value before it becomes the first item. Items are paths of their own. */
function addPair(keys: Map<string, Draft[] | Draft>, name: string, isArray: boolean, pair: Draft): void {
  const before = keys.get(name);
  if (!isArray && !Array.isArray(before)) {
    keys.set(name, pair);
    return;
  }
  const items = Array.isArray(before) ? before : before === undefined ? [] : [before];
  for (const item of Array.isArray(before) ? [] : items) item.path = [...item.section, name, "0"];
  pair.path = [...pair.section, name, String(items.length)];
  items.push(pair);
  keys.set(name, items);
}

function refuseLosses(document: Document): void {
  const tree = parseWhole(document.text);
  const sections = new Map<string, unknown>([["[]", tree]]);
  for (const { section } of document.lines.filter((line): line is Header => line.kind === "section")) {
    const id = JSON.stringify(section);
    if (!sections.has(id)) sections.set(id, section.reduce<unknown>(child, tree));
  }
  const effective = new Map(document.lines.filter(isPair).map((pair) => [JSON.stringify(pair.path), pair]));
  for (const pair of effective.values()) {
    const found = pair.path
      .slice(pair.section.length)
      .reduce<unknown>(child, sections.get(JSON.stringify(pair.section)));
    if (found === undefined || canonical(found) !== pair.literal) {
      const key = shownName(pair.path.at(-1) ?? "");
      throw refuse(
        `npm ini loses key ${key}`,
        { ...pair, next: pair.end },
        "Rename it, or the section that has its name",
      );
    }
  }
}

function parseWhole(text: string): Tree {
  try {
    return ini.parse(text);
  } catch {
    throw parseFailed("npm ini cannot read it", {}, "Look for keys and sections of the same name");
  }
}

function child(tree: unknown, name: string): unknown {
  return typeof tree === "object" && tree !== null && Object.hasOwn(tree, name) ? (tree as Tree)[name] : undefined;
}

function refuse(what: string, line: PhysicalLine, hint: string): Error {
  return parseFailed(what, { line: line.number, column: 1 }, hint);
}
