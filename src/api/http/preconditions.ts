/** ETag and If-Match: the head revision's number, so that nobody overwrites what they have not seen. */
import { ConfigSyncError } from "../../errors.ts";
import type { RevisionInfo } from "../../history/history.ts";

export function etagOf({ number }: Pick<RevisionInfo, "number">): string {
  return `"${number}"`;
}

/**
 * The revision that a write is to be made on; undefined where any will do. Throws REVISION_MOVED for one that is none of those
 * named, and REQUEST_INVALID for a header that names none.
 */
export function expectedRevision(header: string | undefined, head: RevisionInfo | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === "*") {
    if (head === undefined) throw moved("there is no revision yet");
    return undefined;
  }
  const numbers = header.split(",").map((tag) => Number(/^\s*"(\d{1,15})"\s*$/.exec(tag)?.[1] ?? Number.NaN));
  if (numbers.some(Number.isNaN)) {
    throw new ConfigSyncError("REQUEST_INVALID", 'If-Match names no revision: it is "7", in quotes', {
      hint: "Take it as it stands from the ETag of an answer",
    });
  }
  const now = head?.number ?? 0;
  if (numbers.includes(now)) return now;
  throw moved(`the newest revision is ${now}, not ${numbers.join(" or ")}`);
}

function moved(message: string): ConfigSyncError {
  return new ConfigSyncError("REVISION_MOVED", message, {
    hint: "Look at the newest revision and repeat the change on it",
  });
}
