/**
 * go-ini v1.67 with Gitea's load options (IgnoreContinuation, all else default), written again from its rules and apart from
 * src/formats, so that one misunderstanding cannot be on both sides:
 *
 * - The text is taken line by line at `\n`; a byte order mark goes. White space before a line is nothing.
 * - `#` and `;` begin a comment line. `[` begins a header whose name goes to the LAST `]` of the line; the rest is ignored.
 * - A key may be quoted by `"`, a backtick or `"""` (then its line has more than six bytes). Else it ends at the first `=` or
 *   `:`. A line without either, or without a key, spoils the file. `-` counts: `#1`, `#2`, anew in each header.
 * - A value in backticks or `"""` ends at the last such quote of its line, or of the first later line that has one; what
 *   follows is ignored, no comment is looked for, and without an end the file is spoilt.
 * - Any other value ends at the first `#` or `;`, and loses one pair of `"` or `'` if that quote is nowhere else in it.
 * - Keys before a header are of `DEFAULT`. Same headers add up, the last of the same keys counts.
 * - `%(name)s` becomes that key's value: of its section, of the parents of `a.b.c`, or else of DEFAULT; at the first name
 *   that is nowhere it stops, and after 99 replacements.
 */
import { keyOf, type Reading, type Verdict } from "../reading.ts";

type Sections = Map<string, Map<string, string>>;

export function readGoIni(text: string): Verdict {
  const sections: Sections = new Map([[rootName, new Map()]]);
  let name = rootName;
  let counter = 0;
  const source = new Lines(text.replace(/^\uFEFF/, ""));
  for (let line = source.next(); line !== undefined; line = source.next()) {
    const content = line.replace(leadingSpace, "");
    if (content === "" || /^[#;]/.test(content)) continue;
    if (content.startsWith("[")) {
      name = content.slice(1, Math.max(1, content.lastIndexOf("]")));
      if (name === "") return undefined;
      counter = 0;
      if (!sections.has(name)) sections.set(name, new Map());
      continue;
    }
    const key = splitKey(content);
    if (key === undefined) return undefined;
    const value = readValue(content.slice(key.length), source);
    if (value === undefined) return undefined;
    sections.get(name)?.set(key.name === "-" ? `#${++counter}` : key.name, value);
  }
  return readingOf(sections);
}

const rootName = "DEFAULT";

/** unicode.IsSpace. */
const space = "\\t-\\r \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000";
const leadingSpace = new RegExp(`^[${space}]+`);
const bothSpaces = new RegExp(`^[${space}]+|[${space}]+$`, "g");

/** The lines of a text, each with its `\n`. */
class Lines {
  private readonly lines: readonly string[];
  private index = 0;
  constructor(text: string) {
    this.lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }
  next(): string | undefined {
    return this.lines[this.index++];
  }
}

/** The key's name, and how much of the line it takes with its delimiter. */
function splitKey(line: string): { readonly name: string; readonly length: number } | undefined {
  const long = line.startsWith('"""') && Buffer.byteLength(line) > 6;
  const quote = long ? '"""' : /^["`]/.test(line) ? line.charAt(0) : "";
  const close = quote === "" ? 0 : line.indexOf(quote, quote.length);
  if (close < 0) return undefined;
  // Behind a quoted key, the delimiter is looked for from behind the closing quote on.
  const from = quote === "" ? 0 : close + quote.length;
  const found = line.slice(from).search(/[=:]/);
  if (found < 0) return undefined;
  const name = (quote === "" ? line.slice(0, found) : line.slice(quote.length, close)).replace(bothSpaces, "");
  return name === "" ? undefined : { name, length: from + found + 1 };
}

function readValue(rest: string, source: Lines): string | undefined {
  const value = rest.replace(leadingSpace, "");
  if (value.startsWith('"""') && value.length > 3) return readQuoted(value, '"""', source);
  if (value.startsWith("`")) return readQuoted(value, "`", source);
  const bare = value.replace(bothSpaces, "").split(/[#;]/, 1)[0]?.replace(bothSpaces, "") ?? "";
  const quote = bare.charAt(0);
  const isPair = /["']/.test(quote) && bare.length > 1 && bare.indexOf(quote, 1) === bare.length - 1;
  return isPair ? bare.slice(1, -1) : bare;
}

function readQuoted(opened: string, quote: string, source: Lines): string | undefined {
  let value = "";
  for (let line: string | undefined = opened.slice(quote.length); line !== undefined; line = source.next()) {
    const close = line.lastIndexOf(quote);
    if (close >= 0) return value + line.slice(0, close);
    value += line;
  }
  return undefined;
}

function readingOf(sections: Sections): Reading {
  const literals = new Map<string, string>();
  const meant = new Map<string, string>();
  for (const [section, keys] of sections) {
    for (const [key, literal] of keys) {
      literals.set(keyOf([section, key]), literal);
      meant.set(keyOf([section, key]), resolve(sections, section, key, literal));
    }
  }
  return { fields: literals, literals, meant };
}

function resolve(sections: Sections, section: string, key: string, literal: string): string {
  let value = literal;
  for (let round = 0; round < 99; round++) {
    const [reference, name] = /%\(([^)]+)\)s/.exec(value) ?? [];
    if (reference === undefined || name === undefined) break;
    const found = lookUp(sections, section, name);
    const isItself = found?.section === section && name === key;
    const text = found === undefined || isItself ? sections.get(rootName)?.get(name) : found.value;
    if (text === undefined) break;
    value = value.split(reference).join(text);
    if (value.length > 1_000_000) break;
  }
  return value;
}

/** In the section, or in the nearest parent that exists and then in that one's parents. */
function lookUp(sections: Sections, section: string, name: string): { section: string; value: string } | undefined {
  for (let at = section; ; at = at.slice(0, at.lastIndexOf("."))) {
    const value = sections.get(at)?.get(name);
    if (value !== undefined) return { section: at, value };
    if (!at.includes(".")) return undefined;
  }
}
