/** The file behind a source: read when it is at rest, watched, its bytes turned into text. */
import { isUtf8 } from "node:buffer";
import type { Layer } from "../config/layers.ts";
import { ConfigSyncError, type Place } from "../errors.ts";
import { watchFile } from "../platform/file-watch.ts";
import { createSettledReader } from "../platform/settled-read.ts";
import type { Source } from "./source.ts";

export interface DocumentFileOptions {
  /** Absolute. */
  readonly path: string;
  /** As shown to people: `config.ini`. */
  readonly name: string;
  /** Milliseconds without a write after which a file that is written in place counts as whole. Default 20. */
  readonly quiet?: number | undefined;
  /** Milliseconds between the periodic looks. */
  readonly lookEvery: number;
}

/** Loads the file with `read`, and watches it. */
export function documentFile(
  { path, name, quiet, lookEvery }: DocumentFileOptions,
  read: (bytes: Buffer) => Layer,
): Required<Pick<Source, "load" | "watch">> {
  const reader = createSettledReader(path, quiet ?? 20);
  return {
    load: async () => read(await readNamed(reader.read, name)),
    watch: (look, onTrouble) =>
      watchFile(
        path,
        (hint, folder) => {
          reader.note(hint, folder);
          look();
        },
        { lookEvery, seen: reader.seen, onTrouble },
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

/** The text, with a byte order mark where there is one: parsers skip it. Throws SOURCE_INVALID where it is not UTF-8. */
export function decodeDocument(bytes: Buffer, name: string): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const mark = bytes.toString("latin1", 0, 2);
  if (mark === "\xff\xfe" || mark === "\xfe\xff")
    throw invalidSource("The file is written in UTF-16", { file: name, line: 1, column: 1 }, "Save it as UTF-8");
  const place = { file: name, ...endOf(validPart(bytes)) };
  throw invalidSource("The file holds a byte that is not UTF-8", place, "Save it as UTF-8");
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

function endOf(text: string): Place {
  const lines = text.split(/\r\n|\n|\r/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

export function invalidSource(message: string, place: Place, hint: string): ConfigSyncError {
  return new ConfigSyncError("SOURCE_INVALID", message, { place, hint });
}
