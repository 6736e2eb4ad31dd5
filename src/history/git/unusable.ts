import { ConfigSyncError } from "../../errors.ts";
import { failure } from "../../platform/safe-write.ts";

/** For `catch`: whatever the file system says of the file comes as HISTORY_UNUSABLE. What is ours passes through. */
export function orUnusable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof ConfigSyncError && cause.code !== "WRITE_FAILED") throw cause;
    const { message, hint } = failure("write", path, cause);
    throw new ConfigSyncError("HISTORY_UNUSABLE", message, { hint, cause });
  };
}
