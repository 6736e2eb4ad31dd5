import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Merged } from "../format.ts";
import { applyEdits, contentStart, type Edit, lineBreakOf, lineStart } from "../text-edits.ts";
import { fieldOf, typedFieldOf, writtenPaths } from "../tree.ts";
import { verifyMerge } from "../verify-merge.ts";
import { fieldsOfJson, type JsonObject, type JsonValue, type Member, parseJson } from "./tree.ts";

interface Merge {
  readonly existing: string;
  readonly wanted: string;
  readonly gone: ReadonlySet<string>;
  readonly edits: Edit[];
  readonly written: Path[];
  /** Leaves of the existing file that became objects. */
  readonly replaced: Path[];
}

/** Splices the wanted values into the existing text, so that comments and layout stay. New keys follow the last one of their object. */
export function mergeJson(existing: string, wanted: string, gone: readonly Path[]): Merged {
  const want = parseObject(wanted, parseJson(wanted, "strict"));
  if (existing.slice(contentStart(existing)).trim() === "") {
    return { text: wanted, written: fieldsOfJson(want, fieldOf).map((field) => field.path) };
  }
  const have = parseObject(existing, parseJson(existing, "foreign"));
  const merge: Merge = { existing, wanted, gone: new Set(gone.map(formatPath)), edits: [], written: [], replaced: [] };
  mergeObject(merge, have, want, []);

  const text = applyEdits(existing, merge.edits);
  const read = (source: string) => fieldsOfJson(parseJson(source, "foreign"), typedFieldOf);
  verifyMerge(read, { existing, wanted, merged: text }, [...gone, ...merge.replaced]);
  return { text, written: merge.written };
}

function parseObject(text: string, value: JsonValue): JsonObject {
  if (value.kind === "object") return value;
  const place = { line: text.slice(0, value.start).split("\n").length, column: 1 };
  throw new ConfigSyncError("PARSE_FAILED", "only a JSON object can be merged, this is another value", { place });
}

function mergeObject(merge: Merge, have: JsonObject, want: JsonObject | undefined, path: Path): void {
  const survivors: Member[] = [];
  const removed: Member[] = [];
  for (const [key, member] of have.members) {
    const memberPath = [...path, key];
    const wanted = want?.members.get(key)?.value;
    if (member.value.kind === "object" && wanted?.kind !== "leaf") {
      mergeObject(merge, member.value, wanted, memberPath);
    } else if (wanted !== undefined) {
      replaceValue(merge, member, wanted, memberPath);
    } else if (merge.gone.has(formatPath(memberPath))) {
      removed.push(member);
      continue;
    }
    survivors.push(member);
  }
  const added = [...(want?.members ?? [])].filter(([key]) => !have.members.has(key));
  for (const [key, { value }] of added) {
    merge.written.push(...pathsOf(value, [...path, key]));
  }
  const deletions = clipped(removed.map((member) => deletion(merge.existing, member)));
  merge.edits.push(...insertions(merge, have, survivors, added, deletions), ...deletions);
}

function pathsOf(value: JsonValue, path: Path): readonly Path[] {
  return writtenPaths(path, fieldsOfJson(value, fieldOf, path));
}

function replaceValue(merge: Merge, { start, value: old }: Member, wanted: JsonValue, path: Path): void {
  if (old.kind === "leaf" && wanted.kind === "leaf" && old.json === wanted.json) return;
  if (old.kind === "leaf" && wanted.kind === "object") merge.replaced.push(path);
  const text = reindented(merge, wanted, indentAt(merge.existing, start));
  merge.edits.push({ start: old.start, end: old.end, text });
  merge.written.push(...pathsOf(wanted, path));
}

/** The member with its comma; a line that it has to itself goes altogether, with the remark at its end. */
function deletion(text: string, { start, end, comma }: Member): Edit {
  const behind = comma === undefined ? end : comma + 1;
  const remark = /[ \t]*(?:\/\/[^\n]*?)?(?=\r?\n|$)/y;
  remark.lastIndex = behind;
  const rest = remark.exec(text)?.[0];
  const line = lineStart(text, start);
  const alone = line > 0 && text.slice(line, start).trim() === "" && rest !== undefined;
  if (alone) {
    const before = text.charAt(line - 2) === "\r" ? line - 2 : line - 1;
    return { start: before, end: behind + rest.length, text: "" };
  }
  if (comma === undefined) {
    const before = text.slice(0, start).trimEnd().length;
    return { start: text.slice(before, start).includes("\n") ? start : before, end, text: "" };
  }
  const blanks = /[ \t]*/y;
  blanks.lastIndex = behind;
  return { start, end: behind + (blanks.exec(text)?.[0].length ?? 0), text: "" };
}

/** Neighbours on one line may both take the blank between them: the second leaves it to the first. */
function clipped(deletions: readonly Edit[]): Edit[] {
  let end = 0;
  return deletions.map((edit) => {
    const start = Math.max(edit.start, end);
    end = Math.max(end, edit.end);
    return { ...edit, start, end };
  });
}

/** The new members, and the commas that change hands because the last member is another one now. */
function insertions(
  merge: Merge,
  have: JsonObject,
  survivors: readonly Member[],
  added: readonly (readonly [string, Member])[],
  deletions: readonly Edit[],
): Edit[] {
  const { existing } = merge;
  const last = survivors.at(-1);
  const commaAtEnd = [...have.members.values()].at(-1)?.comma !== undefined;
  if (added.length === 0) {
    if (last?.comma === undefined || commaAtEnd) return [];
    return [{ start: last.comma, end: last.comma + 1, text: "" }];
  }
  const first = have.members.values().next().value;
  const multiline = /\n/.test(first === undefined ? merge.wanted : existing.slice(have.start, first.start));
  const indent =
    first === undefined ? indentAt(existing, have.start) + indentUnit(merge) : indentAt(existing, first.start);
  const colon = first === undefined ? ": " : existing.slice(first.keyEnd, first.value.start);
  const lineBreak = lineBreakOf(existing);
  const members = added.map(([key, { value }]) => `${JSON.stringify(key)}${colon}${reindented(merge, value, indent)}`);

  const comma = last !== undefined && last.comma === undefined ? [{ start: last.end, end: last.end, text: "," }] : [];
  if (!multiline) {
    const position = last === undefined ? have.start + 1 : (last.comma ?? last.end - 1) + 1;
    const blank = colon.endsWith(" ") ? " " : "";
    const text = `${last === undefined ? "" : blank}${members.join(`,${blank}`)}${commaAtEnd && last !== undefined ? "," : ""}`;
    return [...comma, { start: position, end: position, text }];
  }
  const contentEnd = have.start + existing.slice(have.start, have.end - 1).trimEnd().length;
  const position = Math.max(contentEnd, ...deletions.map((edit) => edit.end));
  const closing = first === undefined ? `${lineBreak}${indentAt(existing, have.start)}` : "";
  const block = members.map((member) => `${lineBreak}${indent}${member}`).join(",");
  const end = first === undefined ? have.end - 1 : position;
  return [...comma, { start: position, end, text: `${block}${commaAtEnd ? "," : ""}${closing}` }];
}

/** A value of the wanted text, its further lines moved to where it goes. */
function reindented({ existing, wanted }: Merge, value: JsonValue, indent: string): string {
  const from = indentAt(wanted, value.start);
  const lines = wanted.slice(value.start, value.end).split(/\r?\n/);
  const moved = lines.map((line, index) =>
    index > 0 && line.startsWith(from) ? indent + line.slice(from.length) : line,
  );
  return moved.join(lineBreakOf(existing));
}

function indentAt(text: string, offset: number): string {
  return /[ \t]*/y.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? "";
}

/** One level of indentation, as the existing file has it, else as the template has it. */
function indentUnit({ existing, wanted }: Merge): string {
  return /\n([ \t]+)"/.exec(existing)?.[1] ?? /\n([ \t]+)"/.exec(wanted)?.[1] ?? "  ";
}
