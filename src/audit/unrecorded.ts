/** A crash can come between a change, which is in the history, and its entry. Such a change was never answered; it is on record all the same. */
import type { RevisionInfo } from "../history/history.ts";
import type { Told } from "./entry.ts";
import { listEntries } from "./query.ts";

/** How far back is looked: what is older was looked at by an earlier start. */
export const farBack = 1000;

/**
 * What the history of an app knows and the log does not, oldest first. `revisions` are its newest ones, made by processes that are gone.
 * What came before the log, or before the entries that are looked at, is left alone. Throws STATE_UNUSABLE.
 */
export function findUnrecorded(folder: string, app: string, revisions: readonly RevisionInfo[]): Told[] {
  const entries = listEntries(folder, { limit: farBack });
  const recorded = new Set(entries.flatMap((entry) => (entry.app === app ? (entry.revision ?? []) : [])));
  if (recorded.size === 0) return [];
  const first = Math.min(...recorded);
  const missing = revisions.filter(({ number }) => number > first && !recorded.has(number));
  return missing.toSorted((a, b) => a.number - b.number).map((revision) => actOf(app, revision));
}

/** The history knows the name of who did it, and neither how nor from where. */
function actOf(app: string, { number: revision, author: name, message: why }: RevisionInfo): Told {
  const kind = name === "file" ? "file" : "unknown";
  return { who: { name, kind }, from: "history", what: "change", why, app, revision, outcome: "done" };
}
