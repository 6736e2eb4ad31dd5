/**
 * What a service waits for before anything is done for it. Nothing is dropped by that: who waits is in the queue with a date, or is
 * put there by whom it waits for.
 */
import { formatDuration } from "../config/coerce.ts";
import type { Clock } from "../platform/clock.ts";
import type { RenderedService } from "../services/render.ts";
import { isHastened } from "./care.ts";
import type { Ledger } from "./ledger.ts";
import type { Pace } from "./pace.ts";
import type { ServicePlan } from "./plan.ts";
import type { Queue } from "./queue.ts";
import type { Rendering } from "./renderings.ts";
import type { Together } from "./together.ts";
import type { Told } from "./told.ts";

export interface Waiting {
  /** For the time of the next try. News of a service that was not there, or is not well without our doing, shorten that. */
  readonly forRetry: (service: string) => boolean;
  /** In a burst of changes. Services that need no reload cost next to nothing and follow every change at once. */
  readonly forRest: (service: string) => boolean;
  /** For services that this one needs, or changes together with. */
  readonly forOthers: (service: RenderedService) => boolean;
  /** For the pace of reloads and repairs that the service is to have. */
  readonly forPace: (plan: ServicePlan, service: RenderedService) => boolean;
  /** The turn comes before the time for the next try, and not because what was not there may be there now. */
  readonly isEarly: (service: string) => boolean;
}

export interface WaitingParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "addAfter">;
  readonly pace: Pace;
  readonly together: Together;
  readonly rendering: (service: string) => Rendering | undefined;
  readonly tellOnce: Told["tellOnce"];
  /** Somebody asked for a reload: that waits for nothing. */
  readonly isForced: (service: string) => boolean;
  /** Something happened to the service. */
  readonly isDoubted: (service: string) => boolean;
}

export function createWaiting(parts: WaitingParts): Waiting {
  const { ledger, clock, queue, pace, together, rendering, tellOnce, isForced, isDoubted } = parts;

  const forRetry = (name: string): boolean => {
    const record = ledger.record(name);
    const pause = (record.retryAt ?? 0) - clock.now();
    if (pause <= 0 || isForced(name) || (isDoubted(name) && isHastened(record))) return false;
    queue.addAfter(name, pause);
    return true;
  };

  const forRest = (name: string): boolean => {
    const rest = isForced(name) ? 0 : pace.untilTurn(name);
    if (rest > 0) queue.addAfter(name, rest);
    return rest > 0;
  };

  /** A service is not moved while one that it needs is down: its probe would blame the wrong change. */
  const forOthers = ({ name, dependsOn }: RenderedService): boolean => {
    const isDown = (other: string): boolean =>
      ledger.record(other).retryAt !== undefined && rendering(other) !== undefined;
    const down = dependsOn.find(isDown) ?? together.awaited(name);
    if (down === undefined) return false;
    tellOnce(name, "waiting", `waits for ${down}`);
    return true;
  };

  const forPace = ({ drifted, reload }: ServicePlan, { name, reloadEvery }: RenderedService): boolean => {
    const sinceReload = clock.now() - (ledger.record(name).lastReload?.at ?? Number.NEGATIVE_INFINITY);
    const pause = Math.max(
      reload === undefined ? 0 : reloadEvery - sinceReload,
      drifted.length === 0 ? 0 : pace.untilRepair(name),
    );
    if (pause <= 0) return false;
    queue.addAfter(name, pause);
    const why =
      drifted.length > 0
        ? "something changes its files again and again, so they are put right once a minute"
        : `it is reloaded no more than once in ${formatDuration(reloadEvery)}`;
    tellOnce(name, "waiting", why);
    return true;
  };

  const isEarly = (name: string): boolean => {
    const { retryAt = 0, trouble } = ledger.record(name);
    return retryAt > clock.now() && trouble?.code !== "UNREACHABLE";
  };

  return { forRetry, forRest, forOthers, forPace, isEarly };
}
