import { isUtf8 } from "node:buffer";
import type { Layer } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { substitute } from "../config/substitute.ts";
import { ConfigSyncError, type Place } from "../errors.ts";
import { watchFile } from "../platform/file-watch.ts";
import { createSettledReader } from "../platform/settled-read.ts";
import { editDocument, sealDocument } from "./edit-document.ts";
import { createEntryReader } from "./ini-entries.ts";
import type { Sealing } from "./sealed.ts";
import type { Source } from "./source.ts";

export interface FileSourceOptions {
  /** Absolute. */
  readonly path: string;
  /** As shown to people: `config.ini`. */
  readonly name: string;
  readonly protected: boolean;
  /** Whether `${VAR}` and `${section.key}` in values are filled in. Off for files that were not written with it in mind. */
  readonly substitute: boolean;
  readonly secretPaths: PathTest;
  readonly sealing?: Sealing | undefined;
  /** Milliseconds without a write after which a file that is written in place counts as whole. Default 20. */
  readonly quiet?: number | undefined;
  /** Milliseconds between the periodic looks. */
  readonly lookEvery: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** config.ini or system.ini: a file in the INI dialect of Python's configparser. */
export function fileSource(options: FileSourceOptions): Source {
  const { path, name, substitute, secretPaths, sealing = { app: "" } } = options;
  const reader = createSettledReader(path, options.quiet ?? 20);
  const readEntries = createEntryReader(options);
  const read = (bytes: Buffer): Layer => {
    const text = decode(bytes, name);
    refuseEmpty(text, name);
    return { source: name, protected: options.protected, entries: readEntries(text), document: bytes };
  };
  return {
    name,
    protected: options.protected,
    load: async () => read(await readNamed(reader.read, name)),
    complete: (own, others) => (substitute ? fillIn(own, others, options) : own),
    document: {
      path,
      read,
      edit: (bytes, edits) => editDocument(bytes, edits, { substitute, secretPaths, sealing }),
      seal: (bytes, which) => sealDocument(bytes, which, { secretPaths, sealing }),
    },
    watch: (look, onTrouble) =>
      watchFile(
        path,
        (hint, folder) => {
          reader.note(hint, folder);
          look();
        },
        { lookEvery: options.lookEvery, seen: reader.seen, onTrouble },
      ),
  };
}

async function readNamed(read: () => Promise<Buffer>, name: string): Promise<Buffer> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof ConfigSyncError ? error.with({ place: { file: name } }) : error;
  }
}

/** A byte order mark stays: the parser skips it. */
function decode(bytes: Buffer, name: string): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const mark = bytes.toString("latin1", 0, 2);
  if (mark === "\xff\xfe" || mark === "\xfe\xff")
    throw invalid("The file is written in UTF-16", { file: name, line: 1, column: 1 }, "Save it as UTF-8");
  const place = { file: name, ...endOf(validPart(bytes)) };
  throw invalid("The file holds a byte that is not UTF-8", place, "Save it as UTF-8");
}

/** The longest beginning that is valid: halved down to, since a decoder does not say where it gave up. */
function validPart(bytes: Buffer): string {
  let valid = "";
  for (let low = 0, high = bytes.length; low < high; ) {
    const middle = (low + high + 1) >> 1;
    try {
      // With `stream`, a character that is cut off at the end is not held against it.
      valid = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      low = middle;
    } catch {
      high = middle - 1;
    }
  }
  return valid;
}

/** Nothing but blanks and comments is what a program that was cut off leaves behind: it does not mean "no values". */
function refuseEmpty(text: string, name: string): void {
  const nothing = /^\uFEFF?(?:[ \t\f\v]*(?:[#;].*)?(?:\r\n|\n|\r|$))*$/.test(text);
  if (nothing) throw invalid("The file is empty: it holds no section", { file: name }, "Restore its content");
}

function fillIn(layer: Layer, others: readonly Layer[], { environment }: FileSourceOptions): Layer {
  const values = new Map(
    strongestLast(others).flatMap(({ entries }) => entries.map(({ path, value }) => [formatPath(path), value])),
  );
  const entries = substitute(layer.entries, {
    environment: (variable) => environment[variable],
    other: (path) => values.get(formatPath(path)),
  });
  return { ...layer, entries };
}

function strongestLast(layers: readonly Layer[]): readonly Layer[] {
  return [...layers.filter((layer) => !layer.protected), ...layers.filter((layer) => layer.protected)];
}

function endOf(text: string): Place {
  const lines = text.split(/\r\n|\n|\r/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function invalid(message: string, place: Place, hint: string): ConfigSyncError {
  return new ConfigSyncError("SOURCE_INVALID", message, { place, hint });
}
