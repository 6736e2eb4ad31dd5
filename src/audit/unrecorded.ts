/**
 * A change goes into the history and into the log at the same time, and a crash can keep either from the disk. Such a change was never
 * answered. What the history has is on record all the same, and of what it does not have the log says so.
 */
import type { RevisionInfo } from "../history/history.ts";
import type { Entry, Told } from "./entry.ts";
import { listEntries } from "./query.ts";

/** How far back is looked: what is older was looked at by an earlier start. */
export const farBack = 1000;

/**
 * What is missing in the log, oldest first. `revisions` are the newest ones of the app, newest first; only what is from before `since`
 * (milliseconds since 1970) is looked at, as it was left by processes that are gone. What came before the log, or before the entries
 * that are looked at, is left alone. Throws STATE_UNUSABLE.
 */
export function findUnrecorded(folder: string, app: string, revisions: readonly RevisionInfo[], since: number): Told[] {
  const entries = listEntries(folder, { limit: farBack }).filter((entry) => entry.app === app);
  const theirs = revisions.filter(({ at }) => at < since);
  return [
    ...findUnmade(entries, theirs[0]?.number ?? 0, since),
    ...findUnsaid(entries, theirs).map((one) => actOf(app, one)),
  ];
}

/** The newest entry can tell of a revision that is not there: of any before it somebody was answered. */
function findUnmade(entries: readonly Entry[], head: number, since: number): Told[] {
  const newest = entries.find(({ revision }) => revision !== undefined);
  if (newest?.revision !== head + 1 || newest.outcome !== "done" || newest.what === "mended" || newest.at >= since)
    return [];
  const { app, revision, seq } = newest;
  const why = `entry ${seq} tells of revision ${revision}, which the history does not have: it was not made`;
  return [
    {
      who: { name: "config-sync", kind: "daemon" },
      from: "history",
      what: "mended",
      why,
      app,
      revision,
      outcome: "done",
    },
  ];
}

function findUnsaid(entries: readonly Entry[], revisions: readonly RevisionInfo[]): RevisionInfo[] {
  const said = new Set(entries.flatMap(({ revision }) => revision ?? []));
  if (said.size === 0) return [];
  const first = Math.min(...said);
  const missing = revisions.filter(({ number }) => number > first && !said.has(number));
  return missing.toSorted((a, b) => a.number - b.number);
}

/** The history knows the name of who did it, and neither how nor from where. */
function actOf(app: string, { number: revision, author: name, message: why }: RevisionInfo): Told {
  const kind = name === "file" ? "file" : "unknown";
  return { who: { name, kind }, from: "history", what: "change", why, app, revision, outcome: "done" };
}
