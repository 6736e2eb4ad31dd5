/**
 * Several changes one after the other as one: what is different after the last from before the first. Pure.
 *
 * Leaf by leaf, as only leaves can be joined: where a map became a value, changes of before speak of what was in it.
 */
import { isTree, type Json, type TreeChange } from "../../config/json.ts";
import { sameValue } from "../../config/json-tree.ts";
import { formatPath, type Path, parsePath } from "../../config/path.ts";
import { secretMark } from "../../config/secret.ts";

/** What a leaf was at the beginning and is now, by its written path. Never more than both ends have, whatever was in between. */
export type Joined = Map<string, Leaf>;

interface Leaf {
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  /** At any time since the beginning. */
  readonly masked: boolean;
}

/** Adds what came later. What is again as it was at the beginning is no change. */
export function joinChanges(
  joined: Joined,
  later: readonly TreeChange[],
  isMasked: (path: Path) => boolean = () => false,
): void {
  for (const { path, before, after, secret = false } of later) {
    const at = parsePath(path) ?? [path];
    const gone = leavesOf(before, at);
    const come = leavesOf(after, at);
    for (const key of new Set([...gone.keys(), ...come.keys()])) {
      const known = joined.get(key);
      const first = known === undefined ? gone.get(key) : known.before;
      const masked = secret || known?.masked === true || isMasked(parsePath(key) ?? [key]);
      if (sameValue(first, come.get(key))) joined.delete(key);
      else joined.set(key, { before: first, after: come.get(key), masked });
    }
  }
}

export function changesOf(joined: Joined): TreeChange[] {
  return Array.from(joined, ([path, { before, after, masked }]) => {
    const show = (value: Json): Json => (masked ? secretMark : value);
    if (before === undefined) return { path, kind: "added", ...(after !== undefined && { after: show(after) }) };
    if (after === undefined) return { path, kind: "removed", before: show(before) };
    return { path, kind: "changed", before: show(before), after: show(after) };
  });
}

/** An empty map is a leaf, too, and so is a list. */
function leavesOf(value: Json | undefined, at: Path, leaves = new Map<string, Json>()): ReadonlyMap<string, Json> {
  const members = isTree(value) ? Object.entries(value) : [];
  for (const [key, inner] of members) leavesOf(inner, [...at, key], leaves);
  if (value !== undefined && members.length === 0) leaves.set(formatPath(at), value);
  return leaves;
}
