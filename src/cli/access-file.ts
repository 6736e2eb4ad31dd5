import { statSync } from "node:fs";
import type { Access } from "../access/access.ts";
import { accessFile, openAccess } from "../access/open.ts";
import { ConfigSyncError } from "../errors.ts";
import { loadSettings } from "../settings.ts";
import { type Call, exitCodes } from "./command.ts";

/** The keys and users of a workspace. Throws STATE_UNUSABLE for those of somebody else. */
export async function openAccessFile(workspace: string): Promise<Access> {
  const { state } = loadSettings(workspace);
  const file = accessFile(state);
  refuseOtherOwner(file, state);
  return openAccess({ file });
}

/** root can write anybody's file, but then it is root's, and the daemon locked out of it. */
function refuseOtherOwner(file: string, state: string): void {
  const stats = [file, state].map((path) => statSync(path, { throwIfNoEntry: false })).find((found) => found);
  const uid = process.getuid?.();
  if (stats === undefined || stats.uid === uid) return;
  throw new ConfigSyncError("STATE_UNUSABLE", `${file} is for user ${stats.uid}, and this is user ${uid}`, {
    hint: `Run the command as the user that the daemon runs as: sudo -u '#${stats.uid}' config-sync access …`,
    retryable: false,
  });
}

export function reportDone({ json, print, style }: Call, data: object, text: string): number {
  if (json) print(JSON.stringify(data));
  else print(style("green", text));
  return exitCodes.ok;
}
