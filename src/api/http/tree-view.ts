/** What somebody sees of an app's tree: nothing of sections that are not for these eyes, and no secrets. Pure. */
import type { TreeApp, TreeChange } from "../../apps/tree-app.ts";
import type { JsonTree } from "../../config/json.ts";
import { maskValue } from "../../config/masked-tree.ts";
import { parsePath } from "../../config/path.ts";
import type { Sight } from "./sight.ts";

export interface Lens {
  readonly sight: Pick<Sight, "section" | "key">;
  readonly isSecret: TreeApp["isSecret"];
}

/** A section is what stands at the top of the tree. */
export function seenTree(data: JsonTree, { sight, isSecret }: Lens): JsonTree {
  const seen = Object.entries(data).filter(([name]) => sight.section(name));
  return Object.fromEntries(seen.map(([name, value]) => [name, maskValue(value, [name], isSecret)]));
}

/** Those that are for these eyes, their values as they are: so they can be joined. */
export function seenChanges(changes: readonly TreeChange[], { sight }: Lens): readonly TreeChange[] {
  const seen = changes.filter(({ path }) => sight.key(path));
  return seen.length === changes.length ? changes : seen;
}

/** That a secret became another one is told, and not what it is. */
export function maskChange({ path, kind, before, after }: TreeChange, { isSecret }: Lens): TreeChange {
  const at = parsePath(path) ?? [path];
  return {
    path,
    kind,
    ...(before !== undefined && { before: maskValue(before, at, isSecret) }),
    ...(after !== undefined && { after: maskValue(after, at, isSecret) }),
  };
}
