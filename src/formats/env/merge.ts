import { formatPath, type Path } from "../../config/path.ts";
import type { Field, Merged } from "../format.ts";
import { applyEdits, contentStart, type Edit, lineBreakOf, lineStart, nextLine } from "../text-edits.ts";
import { verifyMerge } from "../verify-merge.ts";
import type { ReadStatements, Statement } from "./statement.ts";

/** The merge of every env dialect: values are replaced where they stand, new names go to the end of the file. */
export function mergeEnv(read: ReadStatements, existing: string, wanted: string, gone: readonly Path[]): Merged {
  const there = read(existing);
  const effective = new Map(there.map((statement) => [statement.name, statement]));
  const edits: Edit[] = [];
  const added: string[] = [];
  const written: Path[] = [];

  const wantedByName = new Map(read(wanted).map((statement) => [statement.name, statement]));
  for (const [name, statement] of wantedByName) {
    const old = effective.get(name);
    if (old !== undefined && compared(old) === compared(statement)) continue;
    const raw = wanted.slice(statement.start, statement.end);
    if (old === undefined) added.push(`${name}=${raw}`);
    else edits.push({ start: old.start, end: old.end, text: `${raw}${distance(existing, old.end)}` });
    written.push(statement.path);
  }

  const unwanted = new Set(gone.map(formatPath));
  for (const statement of there) {
    if (wantedByName.has(statement.name) || !unwanted.has(formatPath(statement.path))) continue;
    edits.push({ start: lineStart(existing, statement.from), end: nextLine(existing, statement.end), text: "" });
  }

  const text = append(applyEdits(existing, edits), added, lineBreakOf(existing));
  const readCompared = (source: string): Field[] => read(source).map((field) => ({ ...field, value: compared(field) }));
  verifyMerge(readCompared, { existing, wanted, merged: text }, gone);
  return { text, written };
}

/** A live `$B` is another thing than the letters `$B`. */
function compared(statement: Statement): string {
  return `${statement.live ? "live" : "fixed"} ${statement.value}`;
}

/** A comment that touched the quotes of the old value must not become part of an unquoted new one. */
function distance(text: string, end: number): string {
  return /[^\s]/.test(text.charAt(end)) ? " " : "";
}

function append(text: string, lines: readonly string[], lineBreak: string): string {
  if (lines.length === 0) return text;
  const block = lines.join(lineBreak);
  if (text.length === contentStart(text)) return `${text}${block}${lineBreak}`;
  return text.endsWith("\n") ? `${text}${block}${lineBreak}` : `${text}${lineBreak}${block}`;
}
