import type { Entry, Snapshot } from "./layers.ts";
import { reveal } from "./secret.ts";

export interface Change {
  /** The written path, `gitea.user_pwd`. */
  readonly key: string;
  readonly kind: "added" | "changed" | "removed";
  readonly before?: Entry;
  readonly after?: Entry;
}

/** What is different in `after`, in its order; what was removed comes last. No `before`: everything is added. */
export function diffSnapshots(before: Snapshot | undefined, after: Snapshot): Change[] {
  const changes: Change[] = [];
  for (const [key, entry] of after.entries) {
    const old = before?.entries.get(key);
    if (old === undefined) changes.push({ key, kind: "added", after: entry });
    else if (old !== entry && reveal(old.value) !== reveal(entry.value))
      changes.push({ key, kind: "changed", before: old, after: entry });
  }
  for (const [key, entry] of before?.entries ?? []) {
    if (!after.entries.has(key)) changes.push({ key, kind: "removed", before: entry });
  }
  return changes;
}
