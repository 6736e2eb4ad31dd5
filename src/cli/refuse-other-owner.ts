import { statSync } from "node:fs";
import { ConfigSyncError } from "../errors.ts";

/**
 * root can write anybody's state folder, but what it makes there is root's, and the daemon locked out of it. Throws STATE_UNUSABLE where
 * the first of the files that exists belongs to somebody else.
 */
export function refuseOtherOwner(files: readonly string[]): void {
  const found = files.flatMap((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ file, uid: stats.uid }];
  })[0];
  const uid = process.getuid?.();
  if (found === undefined || found.uid === uid) return;
  throw new ConfigSyncError("STATE_UNUSABLE", `${found.file} is for user ${found.uid}, and this is user ${uid}`, {
    hint: `Run the command as the user that the daemon runs as: sudo -u '#${found.uid}' config-sync …`,
    retryable: false,
  });
}
