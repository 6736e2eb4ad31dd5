/** The messages of a WebSocket, as bytes that are made once for all who see the same. */
import type { TreeChange, TreeChanged, TreeState } from "../../apps/tree-app.ts";
import { type Lens, maskChange, seenChanges, seenTree } from "./tree-view.ts";

export interface Update {
  readonly message: () => Buffer;
  /** With their values as they are. Those of an update that is not told are joined with what comes later. */
  readonly changes: readonly TreeChange[];
  /** The message for who has missed some before this one, in parts. The large one, the data, is the same memory for everybody. */
  readonly joined: (changes: readonly TreeChange[]) => readonly Buffer[];
}

export function configMessage({ data }: TreeState, lens: Lens): Buffer {
  return Buffer.from(`{"type":"config","data":${JSON.stringify(seenTree(data, lens))}}`);
}

/** Undefined where nothing of it is for these eyes. */
export function updateOf(changed: TreeChanged, lens: Lens): Update | undefined {
  const changes = seenChanges(changed.changes, lens);
  if (changes.length === 0) return undefined;
  const data = once(() => Buffer.from(JSON.stringify(seenTree(changed.data, lens))));
  const end = (all: readonly TreeChange[]): Buffer => {
    return Buffer.from(`,"changes":${JSON.stringify(all.map((change) => maskChange(change, lens)))}}`);
  };
  return {
    changes,
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
