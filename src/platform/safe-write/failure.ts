import { ConfigSyncError, systemCode } from "../../errors.ts";

const reasons: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOSPC: ["no space is left on the device", "Free some space"],
  EDQUOT: ["the disk quota is used up", "Free some space"],
  EROFS: ["the file system is read-only", "Mount it writable"],
  EACCES: ["permission denied", "Give the user that runs config-sync the right to write there"],
  EPERM: ["not permitted", "Look at the owner, and at immutable flags (lsattr)"],
  EISDIR: ["a folder is in its place", "Remove the folder"],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter one"],
  EMFILE: ["too many files are open", "Raise the limit (ulimit -n)"],
};

/** A system error as WRITE_FAILED, naming the file. Errors that are already ours pass through. */
export function failure(verb: "read" | "write" | "remove", path: string, cause: unknown): ConfigSyncError {
  if (cause instanceof ConfigSyncError) return cause;
  const [why, hint] = reasons[systemCode(cause) ?? ""] ?? [cause instanceof Error ? cause.message : String(cause)];
  return new ConfigSyncError("WRITE_FAILED", `Cannot ${verb} ${path}: ${why}`, { hint, cause });
}
