import type { Redact } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";

/**
 * Does the work and blots secrets out of its errors. For messages that quote foreign text (a daemon's refusal). The cause
 * is left behind, since it quotes the same.
 */
export async function redacted<T>(redact: Redact, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const { code, message, place, hint, key, retryable } = error;
    throw new ConfigSyncError(code, redact(message), { place, hint, key, retryable });
  }
}
