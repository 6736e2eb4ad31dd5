import type { Format } from "../format.ts";
import { placesOf } from "../text-edits.ts";
import { refuseCharacters } from "../unrepresentable.ts";
import { mergeEnv } from "./merge.ts";
import { aloneInEnv, badLine, notPlain, plain, type Statement } from "./statement.ts";

/** `.env` and `env_file` as Docker Compose reads them: the rules of compose-go 2, its dotenv and template packages. */
export const composeFormat: Format = {
  name: "env:compose",
  alone: aloneInEnv,
  write,
  writePart,
  read: readCompose,
  merge: (existing, wanted, gone) => mergeEnv(readCompose, existing, wanted, gone),
};

/** Go's unicode.IsSpace, and compose-go's isSpace (without the line break and the rarer blanks). */
const space = "\\t-\\r \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000";
const blank = "\\t\\v\\f\\r \\x85\\xA0";
const spaces = new RegExp(`[${space}]*`, "y");
const blanks = new RegExp(`[${blank}]*`, "y");
const trailingSpaces = new RegExp(`[${space}]+$`);
const exported = new RegExp(`export(?=[\\t\\n\\f\\r ])[${blank}]*`, "y");
const nameOrBlanks = new RegExp(`^[\\p{L}\\p{N}_.\\-[\\]${blank}]*$`, "u");
const afterQuote = new RegExp(`[${blank}]*(?:#|\\n|$)`, "y");

function readCompose(text: string): readonly Statement[] {
  const statements: Statement[] = [];
  const place = placesOf(text);
  let position = statementStart(text, text.startsWith("\uFEFF") ? 1 : 0);
  while (position < text.length) {
    const from = position;
    const { name, end: start, inherited } = readName(text, from, place);
    if (inherited) {
      position = statementStart(text, start);
      continue;
    }
    const quote = text.charAt(start);
    const { end, literal } =
      quote === '"' || quote === "'" ? readQuoted(text, start, quote, place(from)) : readBare(text, start);
    const { value, live } = quote === "'" ? { value: literal, live: false } : expand(literal, place(from));
    const raw = text.slice(start, end);
    statements.push({ path: [name], name, value: live ? raw : value, live, from, start, end, ...place(from) });
    position = statementStart(text, end);
  }
  return statements;
}

function statementStart(text: string, position: number): number {
  let start = skip(text, position, spaces);
  while (text.charAt(start) === "#") {
    const end = text.indexOf("\n", start);
    start = end < 0 ? text.length : skip(text, end, spaces);
  }
  return start;
}

type Place = ReturnType<ReturnType<typeof placesOf>>;

/** A name alone takes its value from the environment; Compose sees that only where a line break follows it. */
function readName(text: string, from: number, place: (offset: number) => Place) {
  const start = skip(text, from, exported);
  const line = /[^=:\n]*/y;
  line.lastIndex = start;
  const written = line.exec(text)?.[0] ?? "";
  const end = start + written.length;
  const name = written.replace(trailingSpaces, "");
  if (!nameOrBlanks.test(written) || /\s/.test(name)) {
    throw badLine("a line is not NAME=value: a name has letters, digits, _ . - [ ]", place(from));
  }
  if (end === text.length) {
    throw badLine(`the last line is ${name} without "=" and without a line break, which Compose misreads`, place(from));
  }
  const inherited = text.charAt(end) === "\n";
  if (name === "" && !inherited) throw badLine("a line has no name before its value", place(from));
  return { name, inherited, end: skip(text, end + 1, blanks) };
}

function readBare(text: string, start: number): { end: number; literal: string } {
  const lineEnd = text.indexOf("\n", start);
  const line = text.slice(start, lineEnd < 0 ? text.length : lineEnd);
  const comment = line.indexOf(" #");
  const literal = (comment < 0 ? line : line.slice(0, comment)).replace(trailingSpaces, "");
  return { end: start + literal.length, literal };
}

/** A backslash before the quote protects it and goes away; other backslashes stay, for `"` until the escapes are resolved. */
function readQuoted(text: string, start: number, quote: string, place: Place): { end: number; literal: string } {
  const parts: string[] = [];
  let from = start + 1;
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") {
      if (text.charAt(at + 1) === quote) {
        parts.push(text.slice(from, at));
        from = at + 1;
      }
      at++;
    } else if (character === quote) {
      afterQuote.lastIndex = at + 1;
      if (!afterQuote.test(text)) throw badLine("text follows the closing quote of a value", place);
      const inner = parts.join("") + text.slice(from, at);
      return { end: at + 1, literal: quote === "'" ? inner : resolveEscapes(inner) };
    }
  }
  throw badLine(`a value opens with ${quote} and never closes, so Compose refuses the whole file`, place);
}

const letters: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  '"': '"',
  "\\": "\\",
  $: "$$",
};

function resolveEscapes(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (written, letter: string | undefined, digits = "") => {
    if (letter !== undefined) return letters[letter] ?? written;
    // Where the digits are no octal number, compose-go drops the 0 all the same.
    return /^[0-3][0-7]{2}$/.test(digits) ? String.fromCodePoint(Number.parseInt(digits, 8)) : `\\${digits}`;
  });
}

const reference = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*(?::?[-+?].*)?)\}|))/giu;

function expand(text: string, place: Place): { value: string; live: boolean } {
  let live = false;
  const value = text.replace(reference, (_, escaped?: string, named?: string, braced?: string) => {
    if (escaped !== undefined) return "$";
    if (named === undefined && braced === undefined) {
      throw badLine("a value holds ${ that is no reference to a variable, so Compose refuses the whole file", place);
    }
    live = true;
    return "";
  });
  return { value, live };
}

function skip(text: string, position: number, pattern: RegExp): number {
  pattern.lastIndex = position;
  return position + (pattern.exec(text)?.[0].length ?? 0);
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  $: "\\$",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function write(value: string): string {
  if (plain.test(value)) return value;
  refuseCharacters(value, /\0/, "an environment variable");
  return `"${value.replace(/[\\"$\n\r\t]/g, (character) => escapes[character] ?? character)}"`;
}

function writePart(value: string): string {
  refuseCharacters(value, notPlain, "an env file inside other text", "Let the placeholder stand alone behind NAME=");
  return value;
}
