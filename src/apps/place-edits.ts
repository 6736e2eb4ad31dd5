/** Which document an edit goes into. Pure. */
import type { Snapshot } from "../config/layers.ts";
import { formatPath, type Path } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Edit, Source, SourceDocument } from "../sources/source.ts";

/** The names of the sources that give something in a section. */
type Givers = (section: string) => ReadonlySet<string>;

/** A source that the door may write. */
export type Writable = Source & { readonly document: SourceDocument };

/** Those of the sources that the door may write, from weakest to strongest. */
export function writableSources(sources: readonly Source[]): Writable[] {
  return sources.filter((source): source is Writable => !source.protected && source.document !== undefined);
}

/**
 * The edits by the source that they go into: the one that gives the value now, or for a new key the one that has its section, or else
 * the strongest. Throws READ_ONLY where another source has the last word, so that the edit would be without effect; NOT_FOUND where
 * there is nothing to remove.
 */
export function placeEdits(
  edits: readonly Edit[],
  sources: readonly Source[],
  snapshot: Snapshot,
): Map<Writable, readonly Edit[]> {
  const placed = new Map<Writable, Edit[]>();
  const givers = giversIn(snapshot);
  for (const edit of edits) {
    const writable = writableFor(edit.path, sources);
    const isSection = edit.path.length === 1 && edit.value === undefined;
    const places = isSection ? holders(edit, givers, writable) : [holder(edit, snapshot, givers, writable)];
    for (const source of places) {
      const others = placed.get(source);
      if (others === undefined) placed.set(source, [edit]);
      else others.push(edit);
    }
  }
  return placed;
}

/** Whether a value of this path could be set. */
export function isWritable(path: Path, sources: readonly Source[], snapshot: Snapshot): boolean {
  const given = snapshot.entries.get(formatPath(path))?.origin.source;
  const writable = writableFor(path, sources);
  return given === undefined ? writable.length > 0 : writable.some(({ name }) => name === given);
}

/** Where there is a source that a section belongs to, it goes nowhere else, and nothing else goes there. */
function writableFor([section = ""]: Path, sources: readonly Source[]): Writable[] {
  const owner = sources.find(({ holdsSection }) => holdsSection?.(section));
  return writableSources(sources).filter((source) =>
    owner === undefined ? source.holdsSection === undefined : source === owner,
  );
}

/** Every writable source that gives something in the section. */
function holders({ path: [section = ""] }: Edit, givers: Givers, writable: readonly Writable[]): Writable[] {
  const names = givers(section);
  const found = writable.filter(({ name }) => names.has(name));
  if (found.length > 0) return found;
  const [other] = names;
  if (other === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no section ${section}`, { key: section });
  throw readOnly(section, other);
}

function holder({ path, value }: Edit, snapshot: Snapshot, givers: Givers, writable: readonly Writable[]): Writable {
  const key = formatPath(path);
  const given = snapshot.entries.get(key)?.origin.source;
  if (given === undefined && value === undefined)
    throw new ConfigSyncError("NOT_FOUND", `there is no key ${key}`, { key, hint: "Look at the names that are there" });
  const strongest = writable.at(-1);
  if (given === undefined) {
    const names = givers(path[0] ?? "");
    const source = writable.findLast(({ name }) => names.has(name)) ?? strongest;
    if (source !== undefined) return source;
  }
  const source = writable.find(({ name }) => name === given);
  if (source === undefined) throw readOnly(key, given ?? "no source that can be written");
  return source;
}

/** Worked out for all sections at once, at the first question: a change of keys that are there asks none. */
function giversIn({ candidates }: Snapshot): Givers {
  let known: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  const bySection = (): ReadonlyMap<string, ReadonlySet<string>> => {
    const all = [...candidates.values()].flat();
    const grouped = Map.groupBy(all, ({ path }) => path[0] ?? "");
    return new Map(
      [...grouped].map(([section, found]) => [section, new Set(found.map(({ origin }) => origin.source))]),
    );
  };
  return (section) => {
    known ??= bySection();
    return known.get(section) ?? new Set();
  };
}

function readOnly(key: string, source: string): ConfigSyncError {
  return new ConfigSyncError("READ_ONLY", `${key} comes from ${source}, which nothing here may write`, {
    key,
    hint: "Change it where it is given",
  });
}
