/** The messages of a WebSocket, as bytes that are made once for all who see the same. */
import type { TreeChanged, TreeState } from "../../apps/tree-app.ts";
import { secretBySchema } from "../../apps/tree-secrets.ts";
import type { JsonTree, TreeChange } from "../../config/json.ts";
import type { Path } from "../../config/path.ts";
import { seenData, seenTreeChanges, type TreeReader } from "./tree-reading.ts";

export interface Update {
  readonly message: () => Buffer;
  /** With their values as they are, so that those of an update that is not told can be joined with what comes later. */
  readonly changes: readonly TreeChange[];
  /** Whether a path of them is masked. */
  readonly isMasked: (path: Path) => boolean;
  /** The message for who has missed some before this one, in parts. The large one, the data, is the same memory for everybody. */
  readonly joined: (changes: readonly TreeChange[]) => readonly Buffer[];
}

export function configMessage(reader: TreeReader, state: TreeState): Buffer {
  return Buffer.from(`{"type":"config","data":${JSON.stringify(seenData(reader, state))}}`);
}

/** Undefined where nothing of it is for these eyes. `former`: what the app's schema was before. */
export function updateOf(reader: TreeReader, changed: TreeChanged, former: JsonTree | undefined): Update | undefined {
  const changes = changed.changes.filter(({ path }) => reader.sight.key(path));
  if (changes.length === 0) return undefined;
  const data = once(() => Buffer.from(JSON.stringify(seenData(reader, changed))));
  // What was secret stays so, be it no longer secret from this change on.
  const end = (all: readonly TreeChange[]): Buffer => {
    return Buffer.from(`,"changes":${JSON.stringify(seenTreeChanges(reader, { ...changed, schema: former }, all))}}`);
  };
  const isSecret = (path: Path): boolean => reader.app.isSecret(path) || secretBySchema(former, path);
  return {
    changes,
    isMasked: (path) => path.some((_, index) => isSecret(path.slice(0, index + 1))),
    message: once(() => Buffer.concat([begin, data(), end(changes)])),
    joined: (all) => [begin, data(), end(all)],
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
