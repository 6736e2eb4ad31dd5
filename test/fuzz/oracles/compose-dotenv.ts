/**
 * The dotenv reader of Docker Compose (compose-go v2), written again from its rules and apart from src/formats:
 *
 * - White space and `#` lines between statements are nothing; a byte order mark goes.
 * - `export ` goes. A name has letters, digits, `_ . - [ ]` of any script, and blanks only around it; it ends at the first
 *   `=`, `:` or line break. With a line break it inherits its value, from nowhere here, and is left out.
 * - A value in `"` or `'` ends at the next such quote without a backslash before it, over any lines; a backslash before that
 *   quote goes. In `"`, escapes are resolved, then variables; in `'`, nothing is. What follows the quote begins a statement.
 * - Any other value ends at the line's end or at ` #`, loses white space at its end, and has its variables replaced.
 * - `$$` is `$`; `$name` and `${name}` are the values so far, or empty; `${` that is no reference spoils the file.
 *
 * Dubious is what Compose takes without a word though nobody means it: a value without a name, a name with a tab in it,
 * a second statement behind a closing quote. A value with references is `?` among the fields; its defaults and conditions
 * (`${a:-b}`) are not followed.
 */
import { keyOf, type Verdict } from "../reading.ts";

export function readCompose(text: string): Verdict {
  const cursor: Cursor = { text: text.replace(/^\uFEFF/, ""), at: 0, isDubious: false };
  const fields = new Map<string, string>();
  const literals = new Map<string, string>();
  const meant = new Map<string, string>();
  for (skip(cursor, between); cursor.at < cursor.text.length; skip(cursor, between)) {
    const name = takeName(cursor);
    if (name === undefined) return undefined;
    if (name.isInherited) continue;
    const start = cursor.at;
    const value = takeValue(cursor, meant);
    if (value === undefined) return undefined;
    const key = keyOf([name.name]);
    fields.set(key, value.isLive ? "?" : value.text);
    literals.set(key, value.isLive ? cursor.text.slice(start, cursor.at).trim() : value.text);
    meant.set(key, value.text);
  }
  return { fields, literals, meant, isDubious: cursor.isDubious };
}

interface Cursor {
  readonly text: string;
  at: number;
  isDubious: boolean;
}

/** unicode.IsSpace, and the smaller set that compose-go skips around names and before values. */
const space = "\\t-\\r \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000";
const blank = "\\t\\v\\f\\r \\x85\\xA0";
const between = new RegExp(`(?:[${space}]+|#[^\\n]*)*`, "y");
const blanks = new RegExp(`[${blank}]*`, "y");
const endSpaces = new RegExp(`[${space}]+$`);
/** Go's \s has no vertical tab. */
const exported = new RegExp(`(?:export(?=[\\t\\n\\f\\r ])[${blank}]*)?`, "y");
const nameCharacters = new RegExp(`[\\p{L}\\p{N}_.\\-[\\]${blank}]*`, "uy");
const behindQuote = new RegExp(`[${blank}]*(?:#|\\n|$)`, "y");

function skip(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0] ?? "";
  cursor.at += found.length;
  return found;
}

function takeName(cursor: Cursor): { readonly name: string; readonly isInherited: boolean } | undefined {
  skip(cursor, exported);
  const start = cursor.at;
  if (start === cursor.text.length) return undefined;
  const name = skip(cursor, nameCharacters).replace(endSpaces, "");
  const mark = cursor.text.charAt(cursor.at);
  if (mark !== "" && !/[=:\n]/.test(mark)) return undefined;
  // With no mark up to the end of the text, the name is empty, and what was passed is the value.
  if (mark === "") cursor.at = start;
  else cursor.at++;
  skip(cursor, blanks);
  if (mark !== "" && name.includes(" ")) return undefined;
  cursor.isDubious ||= mark === "" || name === "" || /\s/.test(name);
  return { name: mark === "" ? "" : name, isInherited: mark === "\n" };
}

interface Value {
  readonly text: string;
  /** It refers to other variables. */
  readonly isLive: boolean;
}

function takeValue(cursor: Cursor, known: ReadonlyMap<string, string>): Value | undefined {
  const quote = cursor.text.charAt(cursor.at);
  if (quote === '"' || quote === "'") return takeQuoted(cursor, quote, known);
  const end = cursor.text.indexOf("\n", cursor.at);
  const line = cursor.text.slice(cursor.at, end < 0 ? undefined : end);
  cursor.at += line.length;
  return expand((line.split(" #", 1)[0] ?? "").replace(endSpaces, ""), known);
}

function takeQuoted(cursor: Cursor, quote: string, known: ReadonlyMap<string, string>): Value | undefined {
  let inner = "";
  for (cursor.at++; cursor.at < cursor.text.length; cursor.at++) {
    const character = cursor.text.charAt(cursor.at);
    const next = cursor.text.charAt(cursor.at + 1);
    if (character === quote) {
      cursor.at++;
      behindQuote.lastIndex = cursor.at;
      cursor.isDubious ||= !behindQuote.test(cursor.text);
      return quote === "'" ? { text: inner, isLive: false } : expand(resolveEscapes(inner), known);
    }
    if (character === "\\") {
      inner += next === quote ? next : character + next;
      cursor.at++;
    } else inner += character;
  }
  return undefined;
}

const controls: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function resolveEscapes(text: string): string {
  return text.replace(/\\([abcfnrtv$"\\]|0\d{0,3})/g, (found, after: string) => {
    if (after === "$") return "$$";
    if (after === '"' || after === "\\") return after;
    if (!after.startsWith("0")) return controls[after] ?? found;
    const digits = after.slice(1);
    const code = /^[0-7]{3}$/.test(digits) ? Number.parseInt(digits, 8) : 256;
    return code < 256 ? String.fromCharCode(code) : `\\${digits}`;
  });
}

const dollar = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*)(:?[-?+].*)?\}|()))/iu;

/** Undefined for `${` that is no reference. */
function expand(text: string, known: ReadonlyMap<string, string>): Value | undefined {
  let value = "";
  let isLive = false;
  let rest = text;
  for (let found = dollar.exec(rest); found !== null; found = dollar.exec(rest)) {
    const [whole, escaped, named, braced] = found;
    const name = named ?? braced;
    if (escaped === undefined && name === undefined) return undefined;
    isLive ||= name !== undefined;
    value += rest.slice(0, found.index) + (escaped ?? known.get(keyOf([name ?? ""])) ?? "");
    rest = rest.slice(found.index + whole.length);
  }
  return { text: value + rest, isLive };
}
