import { ConfigSyncError, systemCode } from "../../errors.ts";

const reasons: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOSPC: ["no space is left on the device", "Free some space"],
  EDQUOT: ["the disk quota is used up", "Free some space"],
  EIO: ["the disk gives an input/output error", "Look at what the kernel says of it (dmesg)"],
  EROFS: ["the file system is read-only", "Mount it writable"],
  EACCES: ["permission denied", "Give the user that runs config-sync the right to do that"],
  EPERM: ["not permitted", "Look at the owner, and at immutable flags (lsattr)"],
  EISDIR: ["a folder is in its place", "Remove the folder"],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter one"],
  EMFILE: ["too many files are open", "Raise the limit (ulimit -n)"],
  ENFILE: ["too many files are open on this machine", "Raise the limit (sysctl fs.file-max)"],
};

/** A system error as WRITE_FAILED, naming the file. Errors that are already ours pass through. */
export function failure(verb: "read" | "write" | "remove", path: string, cause: unknown): ConfigSyncError {
  if (cause instanceof ConfigSyncError) return cause;
  const [why, hint] = reasons[systemCode(cause) ?? ""] ?? [cause instanceof Error ? cause.message : String(cause)];
  return new ConfigSyncError("WRITE_FAILED", `Cannot ${verb} ${path}: ${why}`, { hint, cause });
}
