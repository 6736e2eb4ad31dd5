/** What each reader of INI files takes for white space. The sets differ, and so do the values at their edges. */

export interface Slice {
  readonly start: number;
  readonly end: number;
}

export type IsSpace = (code: number) => boolean;

/** `[[:space:]]` in the C locale. */
export const isCSpace: IsSpace = (code) => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/** Go's unicode.IsSpace. */
export const isGoSpace: IsSpace = (code) => isCSpace(code) || (code >= 0x85 && (code === 0x85 || isWideSpace(code)));

/** Python's str.isspace: Go's set, and the four ASCII separators. */
export const isPythonSpace: IsSpace = (code) => isGoSpace(code) || (code >= 0x1c && code <= 0x1f);

/** JavaScript's trim: a byte order mark counts, U+0085 does not. */
export const isJavaScriptSpace: IsSpace = (code) =>
  isCSpace(code) || (code >= 0xa0 && (isWideSpace(code) || code === 0xfeff));

function isWideSpace(code: number): boolean {
  if (code < 0x1680) return code === 0xa0;
  if (code >= 0x2000 && code <= 0x200a) return true;
  return [0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(code);
}

/** The part of the slice between its white space; what is all white space becomes empty, at its end. */
export function trimSlice(text: string, { start, end }: Slice, isSpace: IsSpace): Slice {
  let from = start;
  while (from < end && isSpace(text.charCodeAt(from))) from++;
  let to = end;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return { start: from, end: to };
}
