import type { Place } from "../errors.ts";
import { formatPath, type Path } from "./path.ts";
import { passwordsInUrls, reveal, Secret, type Value } from "./secret.ts";

/** Where a value was found: the source by name, and the place in its file where it has one. */
export interface Origin extends Place {
  readonly source: string;
}

export interface Entry {
  readonly path: Path;
  readonly value: Value;
  readonly origin: Origin;
  /** Of the document of the environment: other sources may have sections of the same names, which mean nothing of that kind. */
  readonly isEnvironment?: boolean | undefined;
}

/** What one source says just now. `entries` hold each path at most once. */
export interface Layer {
  readonly source: string;
  /** A protected layer (system.ini) wins over every other, and nothing may write it. */
  readonly protected: boolean;
  readonly entries: readonly Entry[];
  /** What it was read from, where that is one text. */
  readonly document?: Buffer;
}

/** All layers merged by precedence. Immutable; equal hashes mean equal values. */
export interface Snapshot {
  readonly hash: string;
  /** The entry that won, by written path, in order of first appearance. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Every entry that was given for a path, the winner first. */
  readonly candidates: ReadonlyMap<string, readonly Entry[]>;
  /** What was given for a path that a protected layer has the last word on: without effect, and worth a warning. */
  readonly overruled: readonly { readonly entry: Entry; readonly by: Entry }[];
}

/** A keyed digest of a text: equal texts give equal digests, and the text cannot be guessed from it without the key. */
export type Digest = (text: string) => string;

/**
 * Merges layers given from weakest to strongest; protected ones beat all others whatever their position.
 */
export function mergeLayers(layers: readonly Layer[], digest: Digest): Snapshot {
  const strongestFirst = [
    ...layers.filter((layer) => layer.protected).reverse(),
    ...layers.filter((layer) => !layer.protected).reverse(),
  ];
  const candidates = new Map<string, Entry[]>();
  for (const layer of strongestFirst) {
    for (const entry of layer.entries) {
      const key = writtenPath(entry.path);
      const others = candidates.get(key);
      if (others === undefined) candidates.set(key, [entry]);
      else others.push(entry);
    }
  }
  const entries = new Map<string, Entry>();
  for (const [key, [winner]] of candidates) if (winner !== undefined) entries.set(key, winner);
  const overruled = findOverruled(layers, entries);
  return { hash: hashEntries(entries, digest), entries, candidates, overruled };
}

/** Sources give what did not change as the same objects again. */
const written = new WeakMap<Path, string>();

function writtenPath(path: Path): string {
  const known = written.get(path);
  if (known !== undefined) return known;
  const text = formatPath(path);
  written.set(path, text);
  return text;
}

function findOverruled(layers: readonly Layer[], winners: ReadonlyMap<string, Entry>): Snapshot["overruled"] {
  const last = new Set(layers.filter((layer) => layer.protected).flatMap(({ entries }) => entries));
  if (last.size === 0) return [];
  const open = layers.filter((layer) => !layer.protected).flatMap(({ entries }) => entries);
  return open.flatMap((entry) => {
    const by = winners.get(writtenPath(entry.path));
    return by !== undefined && last.has(by) ? [{ entry, by }] : [];
  });
}

function hashEntries(entries: ReadonlyMap<string, Entry>, digest: Digest): string {
  const rows = [...entries].map(([key, entry]) => JSON.stringify([key, reveal(entry.value)]));
  return digest(rows.sort().join("\n"));
}

/** The texts of all secrets that were given, also of those that lost, and the passwords in URLs. For redacting. */
export function secretTexts({ candidates }: Snapshot): string[] {
  return [...candidates.values()].flat().flatMap(({ value }) => {
    const passwords = passwordsInUrls(reveal(value));
    return value instanceof Secret ? [value.reveal(), ...passwords] : passwords;
  });
}
