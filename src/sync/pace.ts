import type { Clock } from "../platform/clock.ts";

/** Milliseconds. A service rests from changes for `min` before it is reloaded in the middle of a burst, but no longer than `max`. */
export interface Settling {
  readonly min: number;
  readonly max: number;
}

/**
 * How soon a service may be changed again. A change out of the blue is taken up at once. One that comes within `min` of the one
 * before belongs to a burst: the next turn waits until the burst rests, so that a hundred changes cost two reloads.
 */
export interface Pace {
  /** Something else is wanted of the service now. */
  readonly noteChange: (service: string) => void;
  /** Milliseconds until the next turn of the service may begin; 0 begins it. */
  readonly untilTurn: (service: string) => number;
  /** Whoever waits for a burst to rest need not any more; their names. */
  readonly hurry: () => string[];
  /** A file of the service was put right after somebody else's change. */
  readonly noteRepair: (service: string) => void;
  /** Milliseconds until it may be put right again. */
  readonly untilRepair: (service: string) => number;
}

/** So often in a minute what somebody else changed is put right at once. From then on it is a tug-of-war, and costs one reload a minute. */
const quickRepairs = 3;
const repairWindow = 60_000;

export function createPace({ min, max }: Settling, clock: Clock): Pace {
  const bursts = new Map<string, { last: number; waitsSince: number | undefined }>();
  const repairs = new Map<string, number[]>();

  const recentRepairs = (service: string): number[] =>
    (repairs.get(service) ?? []).filter((at) => at > clock.now() - repairWindow);

  return {
    noteChange: (service) => {
      const now = clock.now();
      const burst = bursts.get(service);
      const inBurst = burst !== undefined && now - burst.last < min;
      bursts.set(service, { last: now, waitsSince: inBurst ? (burst.waitsSince ?? now) : undefined });
    },
    untilTurn: (service) => {
      const burst = bursts.get(service);
      if (burst?.waitsSince === undefined) return 0;
      const rest = Math.min(burst.last + min, burst.waitsSince + max) - clock.now();
      if (rest > 0) return rest;
      burst.waitsSince = undefined;
      return 0;
    },
    hurry: () => {
      const waiting = [...bursts].filter(([, burst]) => burst.waitsSince !== undefined);
      for (const [, burst] of waiting) burst.waitsSince = undefined;
      return waiting.map(([service]) => service);
    },
    noteRepair: (service) => void repairs.set(service, [...recentRepairs(service), clock.now()]),
    untilRepair: (service) => {
      const recent = recentRepairs(service);
      const last = recent.at(-1);
      return recent.length < quickRepairs || last === undefined ? 0 : last + repairWindow - clock.now();
    },
  };
}
