import type { Door } from "../apps/door.ts";
import { auditFolder } from "../audit/files.ts";
import { farBack, findUnrecorded } from "../audit/unrecorded.ts";
import type { Auditing } from "./auditing.ts";

/**
 * Puts on record what an earlier process changed before `since` (milliseconds since 1970) and could not put there any more, or put there
 * and could not do. Done twice it does nothing more.
 */
export async function recordUnrecorded(
  door: Pick<Door, "name" | "revisions">,
  { state, append, since }: Pick<Auditing, "append"> & { readonly state: string; readonly since: number },
): Promise<void> {
  const revisions = await door.revisions.list({ limit: farBack });
  for (const act of findUnrecorded(auditFolder(state), door.name, revisions, since)) await append(act);
}
