/**
 * A file that is there and that our keys cannot be merged into: somebody broke it, or what they made of it has no place for them. Mostly
 * that is told, and looked at again. Two things cannot wait for whoever mends it: a way back, and a change that others share.
 */
import { asConfigSyncError } from "../errors.ts";
import { type Doubt, lookAfterHeld, type Question } from "./care.ts";
import type { ServicePlan } from "./plan.ts";
import type { Quarantine } from "./record.ts";
import type { Wanted } from "./renderings.ts";
import { finishRollback, quarantine } from "./rollback.ts";
import { lookAndPlan } from "./survey.ts";
import type { Outcome, Turn } from "./turn.ts";

export type Planned =
  | { readonly plan: ServicePlan; readonly outcome?: undefined }
  | { readonly plan?: undefined; readonly outcome: Outcome | Question | undefined };

/** The plan for a service, or how its turn ends without one. Throws what keeps it from either. */
export async function planOrRefuse(
  wanted: Wanted,
  turn: Turn,
  { forced, doubt }: { readonly forced: boolean; readonly doubt: Doubt | undefined },
): Promise<Planned> {
  try {
    return { plan: await lookAndPlan(wanted, turn, forced) };
  } catch (thrown) {
    const error = asConfigSyncError(thrown);
    if (!isUnmergeable(error)) throw error;
    const { quarantine: failed, healthyOn, undo } = turn.ledger.record(turn.service.name);
    if (failed?.fingerprint === turn.service.fingerprint)
      return { outcome: undo === undefined ? await lookAfterHeld(turn, doubt) : await finishRollback(turn) };
    const hasPart = healthyOn !== turn.service.fingerprint || undo !== undefined;
    if (!turn.inGroup || !hasPart) throw error;
    await quarantine(turn, error, { refused: undo === undefined });
    return { outcome: { kind: "refused", error } };
  }
}

/** Whether this is what a merge says of the file that is there. */
export function isUnmergeable({ code }: Pick<Quarantine, "code">): boolean {
  return code === "PARSE_FAILED" || code === "UNREPRESENTABLE";
}
