import { formatDuration } from "../config/coerce.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { Backoff as Patience } from "../services/manifest.ts";
import type { Actions } from "./actions.ts";
import { pauseAfter } from "./backoff.ts";
import type { StoredAction } from "./record.ts";

/**
 * Asks until every probe says healthy. Throws UNHEALTHY with the last answer when the patience is at its end, or the signal's
 * reason when it is aborted. No probes: healthy as far as anyone can know.
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
      throw new ConfigSyncError("UNHEALTHY", `not healthy after ${formatDuration(patience.give_up)}: ${complaint}`);
    }
    await clock.sleep(pause, signal);
  }
}

async function firstComplaint(
  probes: readonly StoredAction[],
  actions: Actions,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const probe of probes) {
    const { healthy, detail } = await actions.check(probe, signal);
    signal.throwIfAborted();
    if (!healthy) return `${probe.shown}: ${detail}`;
  }
  return undefined;
}
