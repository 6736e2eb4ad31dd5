import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Field, Format } from "../format.ts";
import { type Document, isPair } from "./document.ts";
import { mergeIni } from "./merge.ts";
import { refuseUnwritable, unrepresentable } from "./refusal.ts";

/** How one reader of INI files understands them. */
export interface Dialect {
  readonly name: string;
  /** Throws PARSE_FAILED for what the reader refuses or silently loses. */
  readonly scan: (text: string) => Document;
  /** Equal for two paths that are one key to the reader. */
  readonly identify: (path: Path) => string;
  /** The section of keys that stand before any header; undefined: there must be none. */
  readonly root?: Path;
  /** Values go on in lines that are indented deeper than their key. */
  readonly continuesByIndent: boolean;
}

export interface IniFormat {
  readonly dialect: Dialect;
  readonly alone: Format["alone"];
  /** Spellings of a value, the preferred one first. What does not read back as the value is passed over. */
  readonly spell: (value: string) => readonly string[];
  /** What about a value cannot stand unquoted inside other text: why, or undefined. */
  readonly partProblem: (value: string) => string | undefined;
  readonly spellPart: (value: string) => string;
  /** What the reader makes of the document. Default: the literal of each pair. */
  readonly fields?: (document: Document) => readonly Field[];
  /** For people whose value is refused. */
  readonly hint: string;
}

/** A dialect as a Format: a value is written only if the dialect's own reading of it gives exactly it back. */
export function createIniFormat(ini: IniFormat): Format {
  const { dialect, hint } = ini;
  const read = (text: string): readonly Field[] => (ini.fields ?? literalFields)(dialect.scan(text));
  return {
    name: dialect.name,
    alone: ini.alone,
    read,
    write: (value) => {
      refuseUnwritable(value);
      const spelling = ini.spell(value).find((written) => readsBack(read, written, value));
      if (spelling !== undefined) return spelling;
      throw unrepresentable(`${dialect.name} has no way to write this value`, hint);
    },
    writePart: (value) => {
      refuseUnwritable(value);
      const problem = isEdged(value) ? "begins or ends with white space" : ini.partProblem(value);
      if (problem === undefined) return ini.spellPart(value);
      throw unrepresentable(`inside other text of ${dialect.name}, a value that ${problem} cannot be written`, hint);
    },
    merge: (existing, wanted, gone) => mergeIni({ ...dialect, read }, existing, wanted, gone),
  };
}

export const identifyExactly = (path: Path): string => formatPath(path);

/** A value right behind `key =` on a line that it ends. White space before the key only where the dialect allows it. */
export function aloneBehind(delimiters: "=" | "=:", isIndented: boolean): Format["alone"] {
  const indent = isIndented ? "[ \\t]*" : "";
  const before = `(?:^|[\\r\\n])\\uFEFF?${indent}[^\\s#;[${delimiters}][^\\r\\n${delimiters}]*[${delimiters}][ \\t]*$`;
  return { before: new RegExp(before), after: /^[ \t]*(?:[\r\n]|$)/ };
}

export function literalFields(document: Document): readonly Field[] {
  return document.lines
    .filter(isPair)
    .map(({ path, literal, value, number }) => ({ path, value: literal, ...value, line: number }));
}

/** Space at the edges would be lost wherever the value meets the end of its line. */
function isEdged(value: string): boolean {
  return /^[\s\x1c-\x1f\x85\uFEFF]|[\s\x1c-\x1f\x85\uFEFF]$/.test(value);
}

function readsBack(read: Format["read"], written: string, value: string): boolean {
  try {
    const fields = read(`[s]\nk = ${written}\n`);
    return fields.length === 1 && fields[0]?.path.at(-1) === "k" && fields[0].value === value;
  } catch (error) {
    if (error instanceof ConfigSyncError && error.code === "PARSE_FAILED") return false;
    throw error;
  }
}
