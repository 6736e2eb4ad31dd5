/** The messages of a WebSocket, as bytes that are made once for all who see the same. */
import type { TreeChanged, TreeState } from "../../apps/tree-app.ts";
import type { TreeChange } from "../../config/json.ts";
import { diffTrees } from "../../config/json-tree.ts";
import { seenData, seenTreeChanges, type TreeReader } from "./tree-reading.ts";

export interface Update {
  /** What the app was before. */
  readonly before: TreeState;
  /** What changed and was secret where it stood: written paths. */
  readonly secrets: readonly string[];
  readonly message: () => Buffer;
  /**
   * The message for who has missed some before this one, in parts: the large one, the data, is the same memory for everybody. Undefined
   * where nothing is different from what he has seen.
   */
  readonly since: (seen: Seen) => readonly Buffer[] | undefined;
}

/** What somebody has last seen, and the paths that were secret at any time since. Of one state all have missed the same. */
export interface Seen {
  readonly state: TreeState;
  readonly secrets: ReadonlySet<string>;
}

export function configMessage(reader: TreeReader, state: TreeState): Buffer {
  return Buffer.from(`{"type":"config","data":${JSON.stringify(seenData(reader, state))}}`);
}

/** Undefined where nothing of it is for these eyes. */
export function updateOf(reader: TreeReader, changed: TreeChanged, before: TreeState): Update | undefined {
  const forTheseEyes = ({ path }: TreeChange): boolean => reader.sight.key(path);
  const changes = changed.changes.filter(forTheseEyes);
  if (changes.length === 0) return undefined;
  const data = once(() => Buffer.from(JSON.stringify(seenData(reader, changed))));
  const ends = new WeakMap<TreeState, Buffer | "same">();

  const endSince = ({ state, secrets }: Seen): Buffer | "same" => {
    const different = diffTrees(state.data, changed.data).filter(forTheseEyes);
    if (different.length === 0) return "same";
    const marked = different.map((one) => (secrets.has(one.path) ? { ...one, secret: true } : one));
    return endOf(marked, state);
  };
  // What the schema of before said is secret stays so, be it no longer secret from this change on.
  const endOf = (all: readonly TreeChange[], { schema }: TreeState): Buffer => {
    return Buffer.from(`,"changes":${JSON.stringify(seenTreeChanges(reader, { ...changed, schema }, all))}}`);
  };

  return {
    before,
    secrets: changes.flatMap(({ path, secret = false }) => (secret ? path : [])),
    message: once(() => Buffer.concat([begin, data(), endOf(changes, before)])),
    since: (seen) => {
      const end = ends.get(seen.state) ?? endSince(seen);
      ends.set(seen.state, end);
      return end === "same" ? undefined : [begin, data(), end];
    },
  };
}

const begin = Buffer.from('{"type":"update","data":');

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
