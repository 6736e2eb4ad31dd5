/** The values of a snapshot as the API gives them: by section and key, secrets masked. */
import type { Entry, Snapshot } from "../../config/layers.ts";
import { formatPath } from "../../config/path.ts";
import { maskUrls, reveal, Secret } from "../../config/secret.ts";

/** Sections of keys, in the order of the sources. */
export type View = ReadonlyMap<string, ReadonlyMap<string, Entry>>;

const views = new WeakMap<Snapshot, View>();

export function viewOf(snapshot: Snapshot): View {
  const known = views.get(snapshot);
  if (known !== undefined) return known;
  const view = new Map<string, Map<string, Entry>>();
  for (const entry of snapshot.entries.values()) {
    const [section = "", ...rest] = entry.path;
    const keys = view.get(section) ?? new Map<string, Entry>();
    view.set(section, keys.set(rest.length === 1 ? (rest[0] ?? "") : formatPath(rest), entry));
  }
  views.set(snapshot, view);
  return view;
}

/** A value in full, and masked where it is secret or holds a URL with a password, unless it is asked for. */
export function shownValue({ value }: Entry, revealed: boolean): string {
  if (revealed) return reveal(value);
  return value instanceof Secret ? value.toString() : maskUrls(value);
}

export function shownSection(keys: ReadonlyMap<string, Entry>, revealed: boolean): Record<string, string> {
  return Object.fromEntries([...keys].map(([key, entry]) => [key, shownValue(entry, revealed)]));
}

const texts = new WeakMap<ReadonlyMap<string, Entry>, string>();

/** The masked section as JSON, made once a snapshot: it is read far more often than it changes. */
export function sectionText(keys: ReadonlyMap<string, Entry>): string {
  const known = texts.get(keys);
  if (known !== undefined) return known;
  const text = JSON.stringify(shownSection(keys, false));
  texts.set(keys, text);
  return text;
}
