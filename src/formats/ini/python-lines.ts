import type { Path } from "../../config/path.ts";
import type { Place } from "../../errors.ts";
import { createDocument, type Document, type Line, type Pair, type PhysicalLine, splitLines } from "./document.ts";
import { parseFailed, shownName } from "./refusal.ts";
import { isPythonSpace, type Slice, trimSlice } from "./whitespace.ts";

/** Its keys are those of every section. */
export const defaultSection = "DEFAULT";

export interface PythonRules {
  /** `;` and `#` behind white space start a comment anywhere in a line, not only at its start. */
  readonly inlineComments: boolean;
  /** A key or section that stands twice is refused; else the last one wins, as does Python with `strict=False`. */
  readonly strict: boolean;
}

/** A pair whose continuation lines may still come. */
interface OpenPair extends Pick<Pair, "section" | "path" | "key" | "start" | "number"> {
  /** Its place among the lines. */
  readonly index: number;
  readonly parts: string[];
  readonly valueStart: number;
  valueEnd: number;
  end: number;
}

/**
 * The lines of a text by the rules of Python's configparser (as in 3.11, RawConfigParser._read): keys lower-cased, `=` and
 * `:`, values that continue on lines indented deeper than their key, blank lines inside them kept and comments skipped.
 */
export function scanPython(text: string, rules: PythonRules): Document {
  const lines: Line[] = [];
  const duplicates = rules.strict ? refuseDuplicates() : undefined;
  let section: Path | undefined;
  let open: OpenPair | undefined;
  let indent = 0;
  const close = (): void => {
    if (open !== undefined) lines[open.index] = closePair(open);
    open = undefined;
  };
  for (const line of splitLines(text, "any")) {
    const { content, isComment } = contentOf(text, line, rules);
    const span = { start: line.start, end: line.next, number: line.number };
    const depth = content.start - line.start;
    if (content.start === content.end) {
      if (!isComment) open?.parts.push("");
      lines.push({ kind: isComment ? "comment" : "blank", ...span });
    } else if (open !== undefined && depth > indent) {
      lines.length = open.index + 1;
      open.parts.push(text.slice(content.start, content.end));
      open.valueEnd = content.end;
      open.end = line.next;
    } else {
      close();
      indent = depth;
      const place: Place = { line: line.number, column: depth + 1 };
      const name = readHeader(text, content);
      if (name !== undefined) {
        section = [text.slice(name.start + 1, name.end - 1)];
        duplicates?.section(section, place);
        lines.push({ kind: "section", section, name, ...span });
      } else {
        if (section === undefined) throw keyWithoutSection(place);
        const { name, key, value } = readPair(text, content, isComment ? content.end : line.end, place);
        duplicates?.key(section, name, place);
        open = {
          section,
          path: [...section, name],
          key,
          start: line.start,
          number: line.number,
          index: lines.length,
          parts: [text.slice(value.start, value.end)],
          valueStart: value.start,
          valueEnd: value.end,
          end: line.next,
        };
        lines.push(reserved);
      }
    }
  }
  close();
  return createDocument(text, lines);
}

/** Holds the place of a pair until it is closed. */
const reserved: Line = { kind: "blank", start: 0, end: 0, number: 0 };

function closePair({ section, path, key, start, end, number, parts, valueStart, valueEnd }: OpenPair): Pair {
  while (parts.length > 1 && parts.at(-1) === "") parts.pop();
  const value = { start: valueStart, end: valueEnd };
  return { kind: "pair", section, path, key, value, literal: parts.join("\n"), start, end, number };
}

function contentOf(text: string, line: PhysicalLine, rules: PythonRules): { content: Slice; isComment: boolean } {
  const content = trimSlice(text, line, isPythonSpace);
  const first = text[content.start];
  const isComment = content.start < content.end && (first === "#" || first === ";");
  if (isComment) return { content: { start: content.start, end: content.start }, isComment };
  const comment = rules.inlineComments ? inlineCommentAt(text.slice(line.start, content.end)) : undefined;
  if (comment === undefined) return { content, isComment };
  return { content: trimSlice(text, { start: line.start, end: line.start + comment }, isPythonSpace), isComment: true };
}

/**
 * Python looks for the n-th `;` and the n-th `#` side by side and stops at the first round that finds a comment, so that
 * in `a;b ;c #d` the comment is `#d`.
 */
function inlineCommentAt(line: string): number | undefined {
  let at: Record<";" | "#", number> = { ";": line.indexOf(";"), "#": line.indexOf("#") };
  while (at[";"] >= 0 || at["#"] >= 0) {
    const starts = [at[";"], at["#"]].filter((i) => i === 0 || (i > 0 && isPythonSpace(line.charCodeAt(i - 1))));
    if (starts.length > 0) return Math.min(...starts);
    const next = (mark: ";" | "#"): number => (at[mark] < 0 ? -1 : line.indexOf(mark, at[mark] + 1));
    at = { ";": next(";"), "#": next("#") };
  }
  return undefined;
}

/** `[name]` at the start of the line, up to the last bracket; what follows is ignored. */
function readHeader(text: string, { start, end }: Slice): Slice | undefined {
  if (text[start] !== "[") return undefined;
  const close = text.slice(start, end).lastIndexOf("]");
  return close < 2 ? undefined : { start, end: start + close + 1 };
}

/** `end`: up to where an empty value may be filled in, behind the blanks that follow the delimiter. */
function readPair(text: string, content: Slice, end: number, place: Place): { name: string; key: Slice; value: Slice } {
  const delimiter = text.slice(content.start, content.end).search(/[=:]/);
  if (delimiter < 0) {
    throw parseFailed("the line is neither a section, a key with a value, nor a comment", place, "Write key = value");
  }
  if (delimiter === 0) throw parseFailed("the key is missing before the delimiter", place, "Write key = value");
  const middle = content.start + delimiter;
  const key = trimSlice(text, { start: content.start, end: middle }, isPythonSpace);
  const value = trimSlice(text, { start: middle + 1, end }, isPythonSpace);
  return { name: text.slice(key.start, key.end).toLowerCase(), key, value };
}

function keyWithoutSection(place: Place): Error {
  return parseFailed("the line stands before any section", place, "Put it below a [section], or make it a comment");
}

interface Duplicates {
  readonly section: (section: Path, place: Place) => void;
  readonly key: (section: Path, name: string, place: Place) => void;
}

/** Remembers where sections and keys stand, and refuses a second one. Names are hostile (`__proto__`), hence maps. */
function refuseDuplicates(): Duplicates {
  const sections = new Map<string, { readonly line: number; readonly keys: Map<string, number> }>();
  return {
    section: ([name = ""], place) => {
      const before = sections.get(name);
      if (before === undefined) sections.set(name, { line: place.line ?? 0, keys: new Map() });
      // configparser adds several [DEFAULT] up, even when strict.
      else if (name !== defaultSection) throw duplicate(`section ${shownName(name)}`, before.line, place);
    },
    key: ([section = ""], name, place) => {
      const keys = sections.get(section)?.keys;
      const before = keys?.get(name);
      if (before !== undefined)
        throw duplicate(`key ${shownName(name)} of section ${shownName(section)}`, before, place);
      keys?.set(name, place.line ?? 0);
    },
  };
}

function duplicate(what: string, before: number, place: Place): Error {
  return parseFailed(`${what} stands twice, in line ${before} and in line ${place.line}`, place, "Remove one of them");
}
