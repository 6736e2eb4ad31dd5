import { ConfigSyncError } from "../errors.ts";
import type { RevisionInfo } from "./history.ts";

/**
 * Throws REVISION_MOVED when the head is not the expected one. An app without any revision takes every number to count on from:
 * a history that was lost goes on where the app was, and no number comes twice.
 */
export function checkExpected(app: string, head: RevisionInfo | undefined, expected: number): void {
  if (!Number.isSafeInteger(expected) || expected < 0) {
    throw new ConfigSyncError("VALUE_INVALID", `${expected} is not the number of a revision`);
  }
  if (head === undefined || head.number === expected) return;
  throw new ConfigSyncError(
    "REVISION_MOVED",
    `${app} is at revision ${head.number}, made by ${JSON.stringify(head.author)}, and no longer at ${expected}`,
    { hint: "Look at what was changed, and make the change again on top of it" },
  );
}
