import { userInfo } from "node:os";
import type { Access } from "../access/access.ts";
import { accessFile, openAccess } from "../access/open.ts";
import { isName } from "../access/records.ts";
import { type Audit, openAudit } from "../audit/audit.ts";
import type { Act } from "../audit/entry.ts";
import { auditFolder } from "../audit/files.ts";
import { asConfigSyncError } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { loadSettings } from "../settings.ts";
import { type Call, exitCodes } from "./command.ts";
import { refuseOtherOwner } from "./refuse-other-owner.ts";

/**
 * The keys and users of a workspace; what is changed of them goes into its audit log. Throws STATE_UNUSABLE for those of somebody else.
 */
export async function openAccessFile(workspace: string): Promise<Access> {
  const { state } = loadSettings(workspace);
  const file = accessFile(state);
  refuseOtherOwner([file, state]);
  return recordChanges(await openAccess({ file }), openAudit({ folder: auditFolder(state), clock: systemClock }));
}

function recordChanges(access: Access, audit: Audit): Access {
  const recorded = async <T>(what: Act, target: string, work: Promise<T>): Promise<T> => {
    const who = { name: userInfo().username, kind: "local" };
    const act = { who, from: "command line", what, target: isName(target) ? target : undefined };
    const result = await work.catch(async (error: unknown) => {
      await audit.append({ ...act, outcome: "refused", code: asConfigSyncError(error).code });
      throw error;
    });
    await audit.append({ ...act, outcome: "done" });
    return result;
  };
  return {
    ...access,
    createKey: (name, ...rest) => recorded("key.create", name, access.createKey(name, ...rest)),
    removeKey: (name) => recorded("key.remove", name, access.removeKey(name)),
    createUser: (name, ...rest) => recorded("user.create", name, access.createUser(name, ...rest)),
    setPassword: (name, password) => recorded("user.password", name, access.setPassword(name, password)),
    setGrant: (name, grant) => recorded("user.grant", name, access.setGrant(name, grant)),
    removeUser: (name) => recorded("user.remove", name, access.removeUser(name)),
  };
}

export function reportDone({ json, print, style }: Call, data: object, text: string): number {
  if (json) print(JSON.stringify(data));
  else print(style("green", text));
  return exitCodes.ok;
}
