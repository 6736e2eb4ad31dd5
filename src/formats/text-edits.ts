/** Positions and edits in a text, shared by the formats that change it in place. Offsets are UTF-16 units from 0. */

import { ConfigSyncError } from "../errors.ts";

/** `text` stands for what was between `start` and `end`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Carries out edits. At one offset, they take effect in the order given. Throws UNREPRESENTABLE if they overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let position = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    if (edit.start < position) {
      throw new ConfigSyncError("UNREPRESENTABLE", "the keys to change are written inside each other in this file");
    }
    parts.push(text.slice(position, edit.start), edit.text);
    position = edit.end;
  }
  return parts.join("") + text.slice(position);
}

/** A function from offset to line and column (both from 1), for many questions about one text. */
export function placesOf(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** Where the line begins that `offset` is in. A byte order mark belongs to the file, not to its first line. */
export function lineStart(text: string, offset: number): number {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  return start === 0 ? Math.min(contentStart(text), offset) : start;
}

/** Where the next line begins, or the end of the text. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

/** 1 behind a byte order mark, else 0. */
export function contentStart(text: string): number {
  return text.startsWith("\uFEFF") ? 1 : 0;
}

/** The line ending that a text uses, by its first one. */
export function lineBreakOf(text: string): "\n" | "\r\n" {
  const first = text.indexOf("\n");
  return first > 0 && text[first - 1] === "\r" ? "\r\n" : "\n";
}
