import { formatPath, type Path } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Format } from "./format.ts";

export interface MergeTexts {
  readonly existing: string;
  readonly wanted: string;
  readonly merged: string;
}

/**
 * Holds a merge to its promise, with the eyes of the format's own reader: wanted keys have the wanted values, gone keys that
 * are not wanted are gone, every other key reads as before. Of a key that stands twice the last one counts.
 *
 * Throws UNREPRESENTABLE with the first key for which that is not so, and PARSE_FAILED if `existing` or `wanted` cannot be read.
 */
export function verifyMerge(read: Format["read"], texts: MergeTexts, gone: readonly Path[]): void {
  const expected = effectiveValues(read, texts.existing);
  for (const path of gone) expected.delete(formatPath(path));
  for (const [key, value] of effectiveValues(read, texts.wanted)) expected.set(key, value);

  const actual = readMerged(read, texts.merged);
  for (const [key, value] of expected) {
    if (!actual.has(key)) throw broken(key, "would be lost");
    if (actual.get(key) !== value) throw broken(key, "would not be read back as it should");
    actual.delete(key);
  }
  for (const key of actual.keys()) throw broken(key, "would appear, or stay, though nobody wants it");
}

function effectiveValues(read: Format["read"], text: string): Map<string, string> {
  return new Map(read(text).map((field) => [formatPath(field.path), field.value]));
}

function readMerged(read: Format["read"], merged: string): Map<string, string> {
  try {
    return effectiveValues(read, merged);
  } catch (error) {
    const why = error instanceof ConfigSyncError ? `: ${error.message}` : "";
    throw new ConfigSyncError("UNREPRESENTABLE", `merging would make a file that its reader refuses${why}`, {
      cause: error,
    });
  }
}

function broken(key: string, what: string): ConfigSyncError {
  return new ConfigSyncError("UNREPRESENTABLE", `merging would break the file: key ${key} ${what}`, {
    key,
    hint: "The file is left as it was; write this key there by hand, or give the output without merge",
  });
}
