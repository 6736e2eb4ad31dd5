import type { Change } from "../config/diff.ts";
import type { RevisionInfo } from "../history/history.ts";

const mostNamed = 5;

export type OutsideChange = Pick<Change, "key" | "kind">;

/** The message of a revision that was not made at the door: names of keys, never values. No changes: nobody knows them. */
export function describeOutside(head: RevisionInfo | undefined, changes: readonly OutsideChange[] | undefined): string {
  if (head === undefined) return "as it was found";
  if (changes === undefined) return "edited in the file while config-sync did not run";
  if (changes.length === 0) return "edited in the file: no value is different";
  return `edited in the file: ${describeKeys(changes)}`;
}

/** `gitea.user_name, gitea.user_pwd removed`, shortened. */
function describeKeys(changes: readonly OutsideChange[]): string {
  const named = changes.slice(0, mostNamed).map(({ key, kind }) => (kind === "removed" ? `${key} removed` : key));
  const rest = changes.length - named.length;
  return `${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
