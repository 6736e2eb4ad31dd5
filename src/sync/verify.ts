import { formatDuration } from "../config/coerce.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { Health } from "../probe/probe.ts";
import type { Backoff as Patience } from "../services/manifest.ts";
import type { Actions } from "./actions.ts";
import { pauseAfter } from "./backoff.ts";
import type { StoredAction } from "./record.ts";

/**
 * Asks until every probe says healthy. When the patience is at its end, throws UNHEALTHY with the last answer, or UNREACHABLE where
 * there was none, for then nothing is known of the service. Throws the signal's reason when it is aborted. No probes: healthy as far
 * as anyone can know.
 */
export async function waitUntilHealthy(
  probes: readonly StoredAction[],
  patience: Patience,
  { actions, clock, signal }: { readonly actions: Actions; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = clock.now() + patience.give_up;
  for (let tries = 1; ; tries++) {
    const complaint = await firstComplaint(probes, actions, signal);
    if (complaint === undefined) return;
    const pause = pauseAfter(tries, patience);
    if (clock.now() + pause > deadline) {
      const after = `not healthy after ${formatDuration(patience.give_up)}: `;
      throw asError(complaint, complaint.unanswered ? "" : after);
    }
    await clock.sleep(pause, signal);
  }
}

/** The answer of the first probe that does not say healthy. Throws what asking again cannot mend. */
export async function firstComplaint(
  probes: readonly StoredAction[],
  actions: Actions,
  signal: AbortSignal,
): Promise<Health | undefined> {
  for (const probe of probes) {
    const health = await actions.check(probe, signal);
    signal.throwIfAborted();
    if (!health.healthy) return health;
  }
  return undefined;
}

export function asError({ detail, unanswered }: Health, prefix = ""): ConfigSyncError {
  return new ConfigSyncError(unanswered ? "UNREACHABLE" : "UNHEALTHY", `${prefix}${detail}`);
}
