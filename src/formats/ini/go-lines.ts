import type { Path } from "../../config/path.ts";
import { createDocument, type Document, type Line, type PhysicalLine, splitLines } from "./document.ts";
import { parseFailed } from "./refusal.ts";
import { isGoSpace, type Slice, trimSlice } from "./whitespace.ts";

export const rootSection = "DEFAULT";

/** Where a value ends: `value` as written, `next` the line behind it. */
interface Value {
  readonly value: Slice;
  readonly literal: string;
  readonly lineCount: number;
}

/**
 * The lines of a text as go-ini v1.67 reads it with Gitea's load options (`IgnoreContinuation`, everything else default):
 * `#` and `;` begin a comment anywhere in a bare value, only backticks and `"""` protect, also over several lines; one pair
 * of `"` or `'` around a value is dropped. Sections and keys are case-sensitive; keys before any header are the root's.
 */
export function scanGo(text: string): Document {
  const physical = [...splitLines(text, "\n")];
  const lines: Line[] = [];
  let section: Path = [rootSection];
  let counter = 1;
  for (let index = 0; index < physical.length; index++) {
    const line = physical[index];
    if (line === undefined) break;
    const content = trimSlice(text, line, isGoSpace);
    const span = { start: line.start, end: line.next, number: line.number };
    const first = text[content.start];
    if (content.start === content.end) lines.push({ kind: "blank", ...span });
    else if (first === "#" || first === ";") lines.push({ kind: "comment", ...span });
    else if (first === "[") {
      const name = readHeader(text, content, line);
      section = [text.slice(name.start + 1, name.end - 1)];
      counter = 1;
      lines.push({ kind: "section", section, name, ...span });
    } else {
      const { name, key, delimiter } = readKey(text, content, line);
      const { lineCount, ...value } = readValue(text, physical, index, delimiter + 1);
      const end = physical[index + lineCount - 1]?.next ?? line.next;
      const path = [...section, name === "-" ? `#${counter++}` : name];
      lines.push({ kind: "pair", section, path, key, ...value, ...span, end });
      index += lineCount - 1;
    }
  }
  return createDocument(text, lines);
}

/** Up to the last `]` of the line, whatever stands behind it. */
function readHeader(text: string, { start, end }: Slice, line: PhysicalLine): Slice {
  const close = text.slice(start, end).lastIndexOf("]");
  if (close < 0) throw refuse("the section's ] is missing", line, start, "Write [section]");
  if (close === 1) throw refuse("the section has no name", line, start, "Write [section]");
  return { start, end: start + close + 1 };
}

function readKey(text: string, content: Slice, line: PhysicalLine): { name: string; key: Slice; delimiter: number } {
  const { start } = content;
  const written = text.slice(start, content.end);
  const quote = /^(?:"""(?=.{4})|"|`)/s.exec(written)?.[0] ?? "";
  const close = quote === "" ? 0 : written.indexOf(quote, quote.length);
  if (close < 0) throw refuse("the quote around the key is not closed", line, start, "Close it");
  const afterKey = quote === "" ? 0 : close + quote.length;
  const found = written.slice(afterKey).search(/[=:]/);
  if (found < 0) throw refuse("the line has no = and is no comment", line, start, "Write key = value");
  const end = afterKey + found;
  const name = quote === "" ? written.slice(0, end) : written.slice(quote.length, close);
  const trimmed = trimSlice(name, { start: 0, end: name.length }, isGoSpace);
  if (trimmed.start === trimmed.end) throw refuse("the key has no name", line, start, "Write key = value");
  const key = trimSlice(text, { start, end: start + end }, isGoSpace);
  return { name: name.slice(trimmed.start, trimmed.end), key, delimiter: start + end };
}

function readValue(text: string, physical: readonly PhysicalLine[], index: number, from: number): Value {
  const line = physical[index] ?? { start: from, end: from, next: from, number: 1 };
  const value = trimSlice(text, { start: from, end: line.end }, isGoSpace);
  const quote = openingQuote(text.slice(value.start, Math.min(line.next, value.start + 4)));
  if (quote !== "") return readQuoted(text, physical, index, { ...value, quote });
  const written = text.slice(value.start, value.end);
  const comment = written.search(/[#;]/);
  const bare = comment < 0 ? value : trimSlice(text, { ...value, end: value.start + comment }, isGoSpace);
  return { value: bare, literal: unquote(text.slice(bare.start, bare.end)), lineCount: 1 };
}

/** `"""` needs anything behind it, if only the line's end; on its own at the end of the file it is a value. */
function openingQuote(start: string): string {
  if (start.startsWith('"""') && start.length > 3) return '"""';
  return start.startsWith("`") ? "`" : "";
}

interface Quoted extends Slice {
  readonly quote: string;
}

/** To the last closing quote of the line, or else of the first later line that has one. */
function readQuoted(
  text: string,
  physical: readonly PhysicalLine[],
  first: number,
  { start, end, quote }: Quoted,
): Value {
  const from = start + quote.length;
  for (let index = first; index < physical.length; index++) {
    const line = physical[index];
    if (line === undefined) break;
    const begin = index === first ? from : line.start;
    const found = text.slice(begin, line.end).lastIndexOf(quote);
    if (found < 0) continue;
    const close = begin + found;
    const value = { start, end: endOfQuoted(text, close + quote.length, line.end) };
    return { value, literal: text.slice(from, close), lineCount: index - first + 1 };
  }
  const line = physical[first] ?? { start, end, next: end, number: 1 };
  throw refuse("the value's quote is not closed", line, start, `Close it with ${quote}`);
}

/** What stands behind the closing quote is ignored by go-ini. A comment stays where it is, anything else goes with the value. */
function endOfQuoted(text: string, from: number, end: number): number {
  const rest = trimSlice(text, { start: from, end }, isGoSpace);
  return rest.start === rest.end || /[#;]/.test(text[rest.start] ?? "") ? from : rest.end;
}

/** One pair of quotes around it, if that quote occurs nowhere else. */
function unquote(value: string): string {
  const quote = value[0];
  const isSurrounded =
    (quote === '"' || quote === "'") && value.length >= 2 && value.indexOf(quote, 1) === value.length - 1;
  return isSurrounded ? value.slice(1, -1) : value;
}

function refuse(what: string, line: PhysicalLine, at: number, hint: string): Error {
  return parseFailed(what, { line: line.number, column: at - line.start + 1 }, hint);
}
