import type { Format } from "../format.ts";
import { placesOf } from "../text-edits.ts";
import { refuseCharacters, unrepresentable } from "../unrepresentable.ts";
import { mergeEnv } from "./merge.ts";
import { aloneInEnv, badLine, notPlain, plain, type Statement } from "./statement.ts";

/** `.env` as npm dotenv 17 and 18 read it: no expansion, three kinds of quotes, `\n` and `\r` only inside `"`. */
export const dotenvFormat: Format = {
  name: "env:dotenv",
  alone: aloneInEnv,
  write,
  writePart,
  read: readDotenv,
  merge: (existing, wanted, gone) => mergeEnv(readDotenv, existing, wanted, gone),
};

const name = /(?:export\s+)?([\w.-]+)(?:\s*=|:(?:\r\n|\s))/my;
const bare = /[^#\r\n]*/y;
const endOfValue = /[^\S\r\n\u2028\u2029]*(?:#|$)/my;

function readDotenv(text: string): readonly Statement[] {
  const statements: Statement[] = [];
  const place = placesOf(text);
  let position = 0;
  while (position < text.length) {
    const from = skipSpaces(text, position);
    name.lastIndex = from;
    const key = name.exec(text)?.[1];
    if (key === undefined) {
      const end = lineEnd(text, from);
      refuseLost(text.slice(from, end), place(from));
      position = end + 1;
      continue;
    }
    if (key === "__proto__") throw badLine("dotenv loses a variable that is called __proto__", place(from));
    const { start, end, value } = readValue(text, name.lastIndex, place(from));
    statements.push({ path: [key], name: key, value, live: false, from, start, end, ...place(from) });
    position = lineEnd(text, end) + 1;
  }
  return statements;
}

type Place = ReturnType<ReturnType<typeof placesOf>>;

/** The line is no statement to dotenv. That is harmless for a note, and a loss for what looks like an assignment. */
function refuseLost(line: string, place: Place): void {
  if (/^[#;]/.test(line) || !line.includes("=")) return;
  throw badLine("dotenv would ignore a line: a name has letters, digits, _ . -", place);
}

/** A quote that dotenv cannot close belongs to the value; it also looks for the quote on the lines that follow. */
function readValue(text: string, position: number, at: Place): { start: number; end: number; value: string } {
  const quoteAt = skipSpaces(text, position);
  const close = /['"`]/.test(text.charAt(quoteAt)) ? closingQuote(text, quoteAt) : undefined;
  if (close !== undefined) return { start: quoteAt, end: close + 1, value: unquote(text.slice(quoteAt, close + 1)) };
  bare.lastIndex = position;
  const written = bare.exec(text)?.[0] ?? "";
  const raw = written.trim();
  if (/[\u2028\u2029]/.test(raw) && /['"`]/.test(raw)) {
    throw badLine(
      "a value without quotes holds U+2028 or U+2029 and a quote, which dotenv takes for several lines",
      at,
    );
  }
  const start = raw === "" ? position : position + (written.length - written.trimStart().length);
  return { start, end: start + raw.length, value: unquote(raw) };
}

/**
 * The first quote that no backslash stands before, if only a comment follows it on its line; otherwise the last of the
 * quotes with a backslash before it for which that is so.
 */
function closingQuote(text: string, open: number): number | undefined {
  const quote = text.charAt(open);
  const candidates: number[] = [];
  for (let at = open + 1; at < text.length; at++) {
    if (text.charAt(at) === quote) {
      candidates.push(at);
      break;
    }
    if (text.charAt(at) === "\\" && text.charAt(at + 1) === quote) candidates.push(++at);
  }
  return candidates.toReversed().find((at) => {
    endOfValue.lastIndex = at + 1;
    return endOfValue.test(text);
  });
}

function unquote(raw: string): string {
  const quote = raw.charAt(0);
  if (!/^['"`]/.test(raw)) return raw;
  const text = raw.replace(/\r\n?/g, "\n");
  const inner = text.length > 1 && text.endsWith(quote) ? text.slice(1, -1) : text;
  return quote === '"' ? inner.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inner;
}

function skipSpaces(text: string, position: number): number {
  let end = position;
  while (/\s/.test(text.charAt(end))) end++;
  return end;
}

function lineEnd(text: string, position: number): number {
  const end = /[\r\n\u2028\u2029]|$/g;
  end.lastIndex = position;
  return end.exec(text)?.index ?? text.length;
}

/**
 * The first way of quoting that gives the value back. A backslash at the end cannot stand before a closing quote: dotenv
 * would look for the quote further on, into the lines that follow.
 */
function write(value: string): string {
  if (value === "") return "''";
  if (plain.test(value)) return value;
  refuseCharacters(value, /\0/, "an environment variable");
  if (!value.endsWith("\\")) {
    if (!/['\r]/.test(value)) return `'${value}'`;
    if (!/[`\r]/.test(value)) return `\`${value}\``;
    if (!/"|\\[nr]/.test(value)) return `"${value.replaceAll("\r", "\\r")}"`;
  } else if (!/[#\r\n\u2028\u2029]|^['"`]|^\s/.test(value)) return value;
  throw unrepresentable(
    "mixes quotes, backslashes and line breaks in a way that dotenv has no notation for",
    "Leave out one kind of quote, or the backslash at the end",
  );
}

function writePart(value: string): string {
  refuseCharacters(value, notPlain, "an env file inside other text", "Let the placeholder stand alone behind NAME=");
  return value;
}
