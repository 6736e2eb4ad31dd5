import type { Redact } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Health } from "./probe.ts";

/**
 * "Nobody is there" is an answer too. What asking again cannot mend (a wrong password, no such program) is thrown.
 * `isUnanswered` knows the errors that say nothing about the service.
 */
export async function answerOf(
  redact: Redact,
  ask: () => Promise<Health>,
  isUnanswered: (error: ConfigSyncError) => boolean = () => false,
): Promise<Health> {
  try {
    const health = await ask();
    return { ...health, detail: redact(health.detail) };
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const { code, message, place, hint, key, retryable } = error;
    if (!retryable) throw new ConfigSyncError(code, redact(message), { place, hint, key, retryable });
    return { healthy: false, detail: redact(message), ...(isUnanswered(error) && { unanswered: true }) };
  }
}
