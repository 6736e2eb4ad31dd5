import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Merged } from "../format.ts";
import { applyEdits, contentStart, type Edit, lineBreakOf, lineStart, nextLine } from "../text-edits.ts";
import { typedFieldOf } from "../tree.ts";
import { verifyMerge } from "../verify-merge.ts";
import { fieldsOfToml, parseToml, type TomlDocument, type TomlLeaf } from "./read.ts";
import type { Pair, Table } from "./scan.ts";
import { writeKey } from "./write.ts";

interface Merge {
  readonly text: string;
  readonly tables: readonly Table[];
  /** The last pair under each parent path, dotted or not: new keys follow it. */
  readonly neighbours: ReadonlyMap<string, Pair>;
  readonly isGone: (pair: Pair) => boolean;
  readonly edits: Edit[];
  /** Lines for the end of the file, by header. */
  readonly appended: Map<string, string[]>;
}

/** Splices by position. New keys go where their table is already written, in its manner; new tables to the end. */
export function mergeToml(existing: string, wanted: string, gone: readonly Path[]): Merged {
  const have = parseToml(existing);
  const want = parseToml(wanted);
  const unwanted = new Set(gone.map(formatPath).filter((key) => !want.leaves.has(key)));
  const merge = startMerge(existing, have, unwanted);

  const written: Path[] = [];
  for (const [key, leaf] of want.leaves) {
    const old = have.leaves.get(key);
    if (old?.json === leaf.json) continue;
    if (old === undefined) insert(merge, leaf, rawOf(wanted, leaf));
    else replace(merge, old, rawOf(wanted, leaf));
    written.push(leaf.path);
  }
  remove(merge, have, unwanted);

  const text = append(applyEdits(existing, insertionsFirst(merge.edits)), merge.appended, lineBreakOf(existing));
  const read = (source: string) => fieldsOfToml(source, typedFieldOf);
  verifyMerge(read, { existing, wanted, merged: text }, gone);
  return { text, written };
}

function startMerge(text: string, { tables }: TomlDocument, unwanted: ReadonlySet<string>): Merge {
  const pairs = tables.flatMap((table) => (table.kind === "array" ? [] : table.pairs));
  const neighbours = new Map(pairs.map((pair) => [formatPath(pair.path.slice(0, -1)), pair]));
  const isGone = (pair: Pair) => !pair.inline && unwanted.has(formatPath(pair.path));
  return { text, tables, neighbours, isGone, edits: [], appended: new Map() };
}

/** A value as it stands in the template; of an array of tables, all its sections. */
function rawOf(text: string, { site }: TomlLeaf): string {
  if (site.kind === "pair") return text.slice(site.pair.valueStart, site.pair.end);
  return site.sections.map((section) => text.slice(section.start, section.end).trimEnd()).join("\n\n");
}

function replace({ text, edits }: Merge, { path, site }: TomlLeaf, raw: string): void {
  const isSections = raw.startsWith("[[");
  if (site.kind === "pair" && !isSections) {
    edits.push({ start: site.pair.valueStart, end: site.pair.end, text: raw });
  } else if (site.kind === "array" && isSections) {
    for (const [index, { start, end }] of site.sections.entries()) {
      const lineBreak = text.charAt(end - 1) === "\n" ? lineBreakOf(text) : "";
      edits.push({ start, end, text: index === 0 ? raw + lineBreak : "" });
    }
  } else {
    const message = "an array of tables cannot take the place of a value, nor the other way round";
    throw new ConfigSyncError("UNREPRESENTABLE", message, { key: formatPath(path) });
  }
}

function insert(merge: Merge, { path, site }: TomlLeaf, raw: string): void {
  const parent = path.slice(0, -1);
  const neighbour = merge.neighbours.get(formatPath(parent));
  const table = neighbour?.table ?? tableFor(merge.tables, parent);
  const assignment = `${writeKey(path.slice(table?.path.length ?? -1))} = ${raw}`;
  if (site.kind === "array") merge.appended.set(`[[${formatPath(path)}]]`, [raw]);
  else if (table === undefined) addTable(merge.appended, parent, assignment);
  else if (table.kind === "inline") intoInlineTable(merge, table, assignment);
  else if (neighbour !== undefined) lineBehind(merge, nextLine(merge.text, neighbour.end), assignment, neighbour);
  else if (table.kind === "root" && table.pairs.length === 0) beforeFirstTable(merge, assignment);
  else lineBehind(merge, table.end, assignment, table.pairs.at(-1));
}

function addTable(appended: Map<string, string[]>, path: Path, line: string): void {
  const header = `[${writeKey(path)}]`;
  const known = appended.get(header);
  if (known === undefined) appended.set(header, [header, line]);
  else known.push(line);
}

/** The table of this very path, or the deepest inline table that it lies in. */
function tableFor(tables: readonly Table[], parent: Path): Table | undefined {
  const key = formatPath(parent);
  const same = tables.find((table) => table.kind !== "array" && formatPath(table.path) === key);
  if (same !== undefined) return same;
  return tables.findLast((table) => {
    return table.kind === "inline" && formatPath(parent.slice(0, table.path.length)) === formatPath(table.path);
  });
}

function intoInlineTable({ isGone, edits }: Merge, { start, pairs }: Table, assignment: string): void {
  const position = pairs.at(-1)?.end ?? start + 1;
  const first = pairs.every(isGone) && !edits.some((edit) => edit.start === position && edit.end === position);
  const text = first ? (pairs.length === 0 ? ` ${assignment} ` : assignment) : `, ${assignment}`;
  edits.push({ start: position, end: position, text });
}

/** Keys of the root must come before the first header, and before the remarks that stand right above it. */
function beforeFirstTable({ text, tables, edits }: Merge, assignment: string): void {
  let position = tables.find((table) => table.kind === "table" || table.kind === "array")?.start ?? text.length;
  while (position > contentStart(text)) {
    const previous = lineStart(text, position - 1);
    if (!/^[ \t]*#/.test(text.slice(previous, position))) break;
    position = previous;
  }
  const lineBreak = lineBreakOf(text);
  const onFreshLine = position === contentStart(text) || text.charAt(position - 1) === "\n";
  edits.push({ start: position, end: position, text: `${onFreshLine ? "" : lineBreak}${assignment}${lineBreak}` });
}

function lineBehind(
  { text, isGone, edits }: Merge,
  position: number,
  assignment: string,
  like: Pair | undefined,
): void {
  const indent = like === undefined ? "" : (/^[ \t]*/.exec(text.slice(lineStart(text, like.start)))?.[0] ?? "");
  const lineBreak = lineBreakOf(text);
  const onFreshLine = position === contentStart(text) || text.charAt(position - 1) === "\n";
  const takesPlace = like !== undefined && isGone(like) && !edits.some((edit) => edit.start === position);
  const line = `${onFreshLine || takesPlace ? "" : lineBreak}${indent}${assignment}${onFreshLine ? lineBreak : ""}`;
  edits.push({ start: position, end: position, text: line });
}

function remove({ text, tables, isGone, edits }: Merge, have: TomlDocument, unwanted: ReadonlySet<string>): void {
  for (const [key, { site }] of have.leaves) {
    if (site.kind === "pair" || !unwanted.has(key)) continue;
    edits.push(...site.sections.map(({ start, end }) => ({ start, end, text: "" })));
  }
  for (const table of tables) {
    if (table.kind === "inline") edits.push(...inlineDeletions(table, isGone));
    else if (table.kind !== "array") {
      for (const pair of table.pairs.filter(isGone)) {
        edits.push({ start: lineStart(text, pair.start), end: nextLine(text, pair.end), text: "" });
      }
    }
  }
}

/** Each pair that goes takes one comma along: the one before it, or at the front the one behind it. */
function inlineDeletions({ pairs }: Table, isGone: (pair: Pair) => boolean): Edit[] {
  const firstKept = pairs.findIndex((pair) => !isGone(pair));
  return pairs.flatMap((pair, index) => {
    if (!isGone(pair)) return [];
    const atFront = firstKept < 0 || index < firstKept;
    if (atFront) return [{ start: pair.start, end: pairs[index + 1]?.start ?? pair.end, text: "" }];
    return [{ start: pairs[index - 1]?.end ?? pair.start, end: pair.end, text: "" }];
  });
}

/** Where an insertion and a deletion begin at one offset, the insertion must not fall into what is deleted. */
function insertionsFirst(edits: readonly Edit[]): Edit[] {
  return [...edits.filter((edit) => edit.start === edit.end), ...edits.filter((edit) => edit.start !== edit.end)];
}

function append(text: string, appended: ReadonlyMap<string, readonly string[]>, lineBreak: string): string {
  let result = text;
  for (const lines of appended.values()) {
    const distance =
      result.length === contentStart(text) ? "" : result.endsWith("\n") ? lineBreak : lineBreak.repeat(2);
    result += `${distance}${lines.join(lineBreak)}${lineBreak}`;
  }
  return result;
}
