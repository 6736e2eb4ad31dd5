import { parse } from "smol-toml";
import type { Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import { contentStart, lineStart, nextLine, placesOf } from "../text-edits.ts";
import { maxDepth } from "../tree.ts";

/** A `[table]`, `[[array of tables]]`, `{ inline table }`, or the root. */
export interface Table {
  readonly kind: "root" | "table" | "array" | "inline";
  readonly path: Path;
  /** The header's line, or the brace. */
  readonly start: number;
  /** Behind the last line that says something in this table; of an inline table, behind its brace. */
  end: number;
  readonly pairs: Pair[];
}

/** `key = value`. An inline table as value has its pairs in a Table of its own, and is one of `table`'s pairs too. */
export interface Pair {
  readonly path: Path;
  readonly table: Table;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
  readonly inline: boolean;
}

/**
 * Finds where tables and pairs stand in a text that smol-toml has accepted; of what is wrong, nothing is noticed here.
 * The library itself knows no positions.
 */
export function scanToml(text: string): readonly Table[] {
  const start = contentStart(text);
  const tables: Table[] = [{ kind: "root", path: [], start, end: start, pairs: [] }];
  let position = skipSpace(text, start);
  while (position < text.length) {
    if (text.charAt(position) === "[") {
      const kind = text.startsWith("[[", position) ? "array" : "table";
      const { path } = scanKey(text, position + (kind === "array" ? 2 : 1));
      tables.push({ kind, path, start: lineStart(text, position), end: nextLine(text, position), pairs: [] });
      position = skipSpace(text, nextLine(text, position));
    } else {
      const table = lastSection(tables);
      const end = scanPair(text, position, table, tables);
      table.end = nextLine(text, end);
      position = skipSpace(text, table.end);
    }
  }
  return tables;
}

function lastSection(tables: readonly Table[]): Table {
  const section = tables.findLast((table) => table.kind !== "inline");
  if (section === undefined) throw new Error("a TOML document has a root");
  return section;
}

function scanPair(text: string, start: number, table: Table, tables: Table[]): number {
  const key = scanKey(text, start);
  const path = [...table.path, ...key.path];
  const valueStart = skipSpace(text, key.end + 1);
  const inline = text.charAt(valueStart) === "{";
  const end = inline ? scanInlineTable(text, valueStart, path, tables) : scanValue(text, valueStart);
  table.pairs.push({ path, table, start, valueStart, end, inline });
  return end;
}

function scanInlineTable(text: string, start: number, path: Path, tables: Table[]): number {
  const table: Table = { kind: "inline", path, start, end: start, pairs: [] };
  tables.push(table);
  let position = skipSpace(text, start + 1);
  while (text.charAt(position) !== "}" && position < text.length) {
    position = skipSpace(text, scanPair(text, position, table, tables));
    if (text.charAt(position) === ",") position = skipSpace(text, position + 1);
  }
  table.end = position + 1;
  return table.end;
}

const segment = /"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+/y;
const dot = /[ \t]*\.[ \t]*/y;

/** `end` is at the `=` or the bracket. */
function scanKey(text: string, start: number): { path: Path; end: number } {
  const path: string[] = [];
  let position = skipSpace(text, start);
  for (;;) {
    segment.lastIndex = position;
    const written = segment.exec(text)?.[0] ?? "";
    path.push(/^["']/.test(written) ? String(parse(`k = ${written}`).k) : written);
    position += written.length;
    dot.lastIndex = position;
    const between = dot.exec(text)?.[0];
    if (between === undefined) return { path, end: skipSpace(text, position) };
    if (path.length === maxDepth) {
      const message = `a key has more than ${maxDepth} parts`;
      throw new ConfigSyncError("PARSE_FAILED", message, { place: placesOf(text)(position) });
    }
    position += between.length;
  }
}

const bare = /[^\r\n#,\]}]*/y;

function scanValue(text: string, start: number): number {
  const first = text.charAt(start);
  if (first === "[") return endOfList(text, start);
  if (first === '"' || first === "'") return endOfString(text, start);
  bare.lastIndex = start;
  return start + (bare.exec(text)?.[0].trimEnd().length ?? 0);
}

function endOfList(text: string, start: number): number {
  let depth = 0;
  let position = start;
  while (position < text.length) {
    const character = text.charAt(position);
    if (character === "[" || character === "{") depth++;
    if (character === "]" || character === "}") depth--;
    position = character === '"' || character === "'" ? endOfString(text, position) : position + 1;
    if (depth === 0) return position;
    position = skipSpace(text, position);
  }
  return position;
}

function endOfString(text: string, start: number): number {
  const quote = text.charAt(start);
  const long = quote.repeat(3);
  if (!text.startsWith(long, start)) {
    let end = start + 1;
    while (end < text.length && text.charAt(end) !== quote) end += quote === '"' && text.charAt(end) === "\\" ? 2 : 1;
    return end + 1;
  }
  let end = start + 3;
  while (end < text.length && !text.startsWith(long, end)) end += quote === '"' && text.charAt(end) === "\\" ? 2 : 1;
  // Up to two more quotes before the closing three belong to the string.
  end += 3;
  while (text.charAt(end) === quote) end++;
  return end;
}

function skipSpace(text: string, position: number): number {
  let end = position;
  for (;;) {
    while (/\s/.test(text.charAt(end))) end++;
    if (text.charAt(end) !== "#") return end;
    end = nextLine(text, end);
  }
}
