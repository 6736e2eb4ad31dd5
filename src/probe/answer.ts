import type { Redact } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Health } from "./probe.ts";

/** "Nobody is there" is an answer too. What asking again cannot mend (a wrong password, no such program) is thrown. */
export async function answerOf(redact: Redact, ask: () => Promise<Health>): Promise<Health> {
  try {
    const { healthy, detail } = await ask();
    return { healthy, detail: redact(detail) };
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const { code, message, place, hint, key, retryable } = error;
    if (retryable) return { healthy: false, detail: redact(message) };
    throw new ConfigSyncError(code, redact(message), { place, hint, key, retryable });
  }
}
