import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Format, Merged } from "../format.ts";
import type { Dialect } from "./dialect.ts";
import { type Document, type Header, isPair, type Pair, separatorOf } from "./document.ts";
import { editDocument, type Setting } from "./edit.ts";
import { unrepresentable } from "./refusal.ts";

/**
 * Puts the keys of `wanted` into `existing`, as they are written there, and takes the keys `gone` out. Keys are compared by
 * their literals: `%(base)s/x` in the file is not the text it happens to mean today.
 *
 * The result is read again before it is given back. Whatever differs from what was asked is UNREPRESENTABLE, with the key.
 */
export function mergeIni(
  dialect: Dialect & Pick<Format, "read">,
  existing: string,
  wanted: string,
  gone: readonly Path[],
): Merged {
  dialect.read(wanted);
  const asked = dialect.scan(wanted);
  const askedPairs = effectivePairs(dialect, asked);
  const document = dialect.scan(existing);
  const present = effectivePairs(dialect, document);
  const written = [...askedPairs].filter(([id, pair]) => present.get(id)?.literal !== pair.literal);
  const remove = new Set(gone.map(dialect.identify).filter((id) => present.has(id) && !askedPairs.has(id)));
  if (written.length === 0 && remove.size === 0) return { text: existing, written: [] };

  const headers = headersOf(dialect, asked);
  const set = written.map(([, pair]) => settingOf(asked, pair, headers.get(dialect.identify(pair.section))));
  const text = editDocument(dialect, document, { set, remove });
  const expected = new Map([...present].filter(([id]) => !remove.has(id)));
  for (const [id, pair] of askedPairs) expected.set(id, pair);
  verify(dialect, text, expected, written[0]?.[1].path);
  return { text, written: written.map(([, pair]) => pair.path) };
}

/** The pairs that count: the last one of each key. */
function effectivePairs(dialect: Dialect, { lines }: Document): Map<string, Pair> {
  return new Map(lines.filter(isPair).map((pair) => [dialect.identify(pair.path), pair]));
}

function headersOf(dialect: Dialect, { lines }: Document): Map<string, Header> {
  return new Map(
    lines.filter((line) => line.kind === "section").map((header) => [dialect.identify(header.section), header]),
  );
}

function settingOf(document: Document, pair: Pair, header: Header | undefined): Setting {
  const slice = ({ start, end }: { start: number; end: number }): string => document.text.slice(start, end);
  const separator = separatorOf(document, pair);
  const { path, section } = pair;
  const named = { path, section, header: header === undefined ? "" : slice(header.name), key: slice(pair.key) };
  // A key alone means a value to the readers that take it (`flag` is `true`): spelled out, it can replace another value.
  if (separator === "") return { ...named, separator: "=", value: pair.literal };
  return { ...named, separator, value: slice(pair.value) };
}

function verify(dialect: Dialect, text: string, expected: ReadonlyMap<string, Pair>, first: Path | undefined): void {
  const found = rescan(dialect, text, first);
  for (const [id, pair] of expected) {
    if (found.get(id)?.literal !== pair.literal) throw notSafe(pair.path);
  }
  for (const [id, pair] of found) if (!expected.has(id)) throw notSafe(pair.path);
}

function rescan(dialect: Dialect, text: string, first: Path | undefined): Map<string, Pair> {
  try {
    return effectivePairs(dialect, dialect.scan(text));
  } catch (error) {
    if (error instanceof ConfigSyncError && error.code === "PARSE_FAILED") throw notSafe(first ?? []);
    throw error;
  }
}

function notSafe(path: Path): ConfigSyncError {
  const key = formatPath(path);
  return unrepresentable(
    `the file cannot be changed so that ${key} reads as it should and everything else stays`,
    "Look at what stands around the key in the file (comments behind values, indentation, quotes)",
    key,
  );
}
