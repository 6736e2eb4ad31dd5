import { ConfigSyncError } from "../errors.ts";
import { deadline } from "../platform/deadline.ts";

/** Milliseconds for an answer that takes a few, on a busy host. */
export const questionTime = 2000;

/**
 * Asks something cheap before something is done. A server that hangs so badly that it does not answer is as good as not
 * there: that it hangs says nothing against the new configuration, so the change must not be taken back for it.
 */
export async function askFirst<T>(signal: AbortSignal, ask: (soon: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await ask(deadline(signal, questionTime));
  } catch (error) {
    if (signal.aborted || !(error instanceof ConfigSyncError) || error.code !== "TIMED_OUT") throw error;
    throw new ConfigSyncError("UNREACHABLE", error.message, { hint: "It hangs: look at its log" });
  }
}
