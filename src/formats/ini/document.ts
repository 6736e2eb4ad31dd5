import type { Path } from "../../config/path.ts";
import type { Slice } from "./whitespace.ts";

/**
 * An INI text as its reader sees it: lines that tile the text from `start` to its end, so that whatever is not edited stays
 * byte for byte. A pair with continuation lines is one line here, with the comments and blank lines between them.
 */
export interface Document {
  readonly text: string;
  /** 1 behind a byte order mark, else 0. */
  readonly start: number;
  readonly lines: readonly Line[];
  /** The line ending of the first line that has one: what new lines get. */
  readonly newline: string;
}

export type Line = Filler | Header | Pair;

/** Whole lines with their endings. `number` is that of the first, from 1. */
interface Span extends Slice {
  readonly number: number;
}

export interface Filler extends Span {
  readonly kind: "blank" | "comment";
}

export interface Header extends Span {
  readonly kind: "section";
  readonly section: Path;
  /** The header as written, brackets included, without what follows it. */
  readonly name: Slice;
}

export interface Pair extends Span {
  readonly kind: "pair";
  readonly section: Path;
  readonly path: Path;
  /** The key as written. Between it and the value stands the delimiter; equal to `value.start`: there is none. */
  readonly key: Slice;
  /** The value as written, quotes included, comments behind it not. */
  readonly value: Slice;
  /** The value with quotes and continuation lines resolved, but not what the reader makes of `%`. */
  readonly literal: string;
}

/** One line of the text: `end` before its ending, `next` behind it. */
export interface PhysicalLine extends Slice {
  readonly next: number;
  readonly number: number;
}

/** The lines of the text. With `\n`, a CR on its own is an ordinary character; a CRLF is an ending either way. */
export function* splitLines(text: string, ending: "\n" | "any"): Generator<PhysicalLine> {
  let start = startOf(text);
  let afterFeed = start;
  for (let number = 1; start < text.length; number++) {
    // Looked for again only when passed: a text of nothing but CR stays linear.
    if (afterFeed <= start) afterFeed = text.indexOf("\n", start) + 1 || text.length;
    const next = ending === "any" ? afterLoneReturn(text, start, afterFeed) : afterFeed;
    yield { start, end: next - endingLength(text, start, next, ending), next, number };
    start = next;
  }
}

function afterLoneReturn(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if (text.charCodeAt(i) === carriageReturn && text.charCodeAt(i + 1) !== lineFeed) return i + 1;
  }
  return end;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

function endingLength(text: string, start: number, next: number, ending: "\n" | "any"): number {
  const last = text.charCodeAt(next - 1);
  if (last === carriageReturn) return ending === "any" ? 1 : 0;
  if (last !== lineFeed) return 0;
  return next - 2 >= start && text.charCodeAt(next - 2) === carriageReturn ? 2 : 1;
}

export function createDocument(text: string, lines: readonly Line[]): Document {
  return { text, start: startOf(text), lines, newline: /\r\n|\n|\r/.exec(text)?.[0] ?? "\n" };
}

export function startOf(text: string): number {
  return text.charCodeAt(0) === 0xfeff ? 1 : 0;
}

export function isPair(line: Line): line is Pair {
  return line.kind === "pair";
}

/** What stands between key and value: ` = `. Empty for a key alone. */
export function separatorOf({ text }: Document, pair: Pair): string {
  return text.slice(pair.key.end, pair.value.start);
}

/** The white space that a line begins with. */
export function indentOf({ text }: Document, line: Header | Pair): string {
  return text.slice(line.start, line.kind === "pair" ? line.key.start : line.name.start);
}
