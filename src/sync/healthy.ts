import { reached } from "../platform/reached.ts";
import type { Incarnation } from "../reload/reload.ts";
import type { Mark } from "./record.ts";
import { keepWayBack } from "./together.ts";
import type { Turn } from "./turn.ts";

/** The service was seen healthy on what it should be on: nothing is owed, and there is nothing to take back any more. */
export async function noteHealthy(turn: Turn, mark: Mark): Promise<void> {
  const { ledger, service } = turn;
  const run = await runOf(turn);
  ledger.update(service.name, {
    healthy: { ...mark, at: turn.clock.now() },
    healthyOn: service.fingerprint,
    incarnation: run?.id,
    ill: false,
    standby: turn.inGroup ? keepWayBack(ledger.record(service.name)) : undefined,
    actions: { reloads: service.reload.map(({ action }) => action), probes: service.probes },
    undo: undefined,
    attempts: 0,
    refusals: 0,
    retryAt: undefined,
    trouble: undefined,
  });
  reached("healthy");
}

/** The run that the service is in, by the first rule that can tell; undefined where none can, and while nobody answers. */
export async function runOf({ service, actions, stopping }: Turn): Promise<Incarnation | undefined> {
  try {
    for (const { action } of service.reload) {
      const run = await actions.incarnation(action, stopping);
      if (run !== undefined) return run;
    }
  } catch {
    // Who cannot be asked now would only keep us waiting once more with the next rule. The probes say what is wrong.
  }
  return undefined;
}
