/** Values and texts made of what some reader trips over. */
import fc from "fast-check";

const quotes = ["'", '"', "`", '"""', "'''"];
const marks = ["#", ";", " #", " ;", "=", ":", ",", "%", "$", "&", "*", "!", "|", ">", "-", "?", "@", "~"];
const brackets = ["[", "]", "{", "}", "(", ")", "${", "%(", ")s"];
const references = ["%%", "%(a)s", "%(here)s", "%(ENV_HOME)s", "$$", "$a", "$" + "{a}", "$" + "{a:-b}", "{{a}}"];
const escapes = ["\\", "\\\\", "\\n", '\\"', "\\'", "\\#", "\\;", "\\$", "\\u0041", "\\x41", "\\0101"];
const breaks = [
  "\n",
  "\r\n",
  "\r",
  "\n\n",
  "\n ",
  "\n\t",
  "\n# ",
  "\n[s]\n",
  "\nz=1\n",
  "\u2028",
  "\u0085",
  "\v",
  "\f",
];
const blanks = [" ", "  ", "\t", "\u00a0", "\u2003", "\u3000", "\ufeff", "\u200b", "\x1c", "\x1f"];
const strange = ["\0", "\x01", "\x1b", "\x7f", "\ud800", "\udc00", "\uffff", "é", "💧", "İ", "ß", "ſ"];
const words = ["a", "B", "1", "true", "null", "no", "1e3", "0x1f", "~", "__proto__", "export ", "- ", "x".repeat(40)];
const tokens = [
  ...quotes,
  ...marks,
  ...brackets,
  ...references,
  ...escapes,
  ...breaks,
  ...blanks,
  ...strange,
  ...words,
];

const mixed = fc.array(fc.constantFrom(...tokens), { maxLength: 10 }).map((parts) => parts.join(""));
const surrounded = fc
  .tuple(fc.constantFrom("a", "a b", '"', "'", "`", "x=", " "), mixed, fc.constantFrom("z", '"', "'", "`", "\\", " "))
  .map((parts) => parts.join(""));
const long = fc
  .tuple(fc.constantFrom(...tokens), fc.constantFrom(100, 4_095, 4_096, 30_000), fc.constantFrom("", "a", "\n"))
  .map(([token, times, end]) => token.repeat(times) + end);

/** Any value that somebody could put into config.ini, or send. */
export const hostileValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 60, arbitrary: mixed },
  { weight: 20, arbitrary: surrounded },
  { weight: 15, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  { weight: 10, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
  { weight: 1, arbitrary: long },
);

/** Several pieces, as one text. */
export function joined(pieces: fc.Arbitrary<string>, maxLength: number, separator = ""): fc.Arbitrary<string> {
  return fc.array(pieces, { maxLength }).map((parts) => parts.join(separator));
}

/** Pieces of INI lines, beyond what a dialect has of its own. */
export interface IniPieces {
  readonly sections: readonly string[];
  readonly keys: readonly string[];
  readonly delimiters: readonly string[];
  readonly values: readonly string[];
  /** Lines of any kind: comments, continuations. */
  readonly others: readonly string[];
  /** Lines and values that spoil a file, mostly. */
  readonly broken: readonly string[];
}

/** A text that its reader probably accepts: each header once, few keys twice, comments, either line ending. */
export function likelyIni(pieces: IniPieces): fc.Arbitrary<string> {
  const value = joined(fc.constantFrom(...pieces.values), 4);
  const pair = fc
    .tuple(fc.constantFrom(...pieces.keys), fc.constantFrom(...pieces.delimiters), value)
    .map((parts) => parts.join(""));
  const line = fc.oneof(
    { weight: 50, arbitrary: pair },
    { weight: 20, arbitrary: fc.constantFrom("", "# note", "#", ...pieces.others) },
    { weight: 1, arbitrary: fc.constantFrom(...pieces.broken) },
  );
  const block = (header: string) => fc.array(line, { maxLength: 5 }).map((lines) => [header, ...lines]);
  const blocks = fc
    .subarray([...pieces.sections], { minLength: 1 })
    .chain((headers) => fc.tuple(...headers.map(block)));
  return fc
    .tuple(blocks, fc.constantFrom("\n", "\n", "\n", "\r\n"), fc.boolean())
    .map(([lines, newline, isEnded]) => lines.flat().join(newline) + (isEnded ? newline : ""));
}

/** Any order and any nonsense. */
export function wildIni(pieces: IniPieces): fc.Arbitrary<string> {
  const all = [
    ...pieces.sections,
    ...pieces.keys,
    ...pieces.delimiters,
    ...pieces.values,
    ...pieces.others,
    ...pieces.broken,
  ];
  const some = fc.constantFrom(...all, ...tokens.filter((token) => token.isWellFormed()), "\n", "\n", "\n", "\r");
  return fc.tuple(fc.constantFrom("", "", "", "\ufeff"), joined(some, 14)).map((parts) => parts.join(""));
}
