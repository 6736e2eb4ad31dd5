/** What the documents hold once values are sealed in them. */
import type { Sealable } from "../sources/source.ts";
import type { Writable } from "./place-edits.ts";

export interface SealedContents {
  /** Of the documents in which something was to be sealed. */
  readonly contents: ReadonlyMap<Writable, Buffer>;
  /** The written paths of what was sealed. */
  readonly keys: readonly string[];
}

/** Throws KEY_UNUSABLE, and UNREPRESENTABLE for what cannot be sealed where it stands. */
export function sealDocuments(
  writable: readonly Writable[],
  known: ReadonlyMap<string, Buffer>,
  which: Sealable,
): SealedContents {
  const contents = new Map<Writable, Buffer>();
  const keys: string[] = [];
  for (const source of writable) {
    const bytes = known.get(source.name);
    const sealed = bytes && source.document.seal?.(bytes, which);
    if (sealed === undefined || sealed.keys.length === 0) continue;
    contents.set(source, sealed.bytes);
    keys.push(...sealed.keys);
  }
  return { contents, keys };
}
