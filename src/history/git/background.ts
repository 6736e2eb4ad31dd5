import { asConfigSyncError } from "../../errors.ts";
import { pauseAfter } from "./pauses.ts";

/** Work that goes on beside everything else: at most one round at a time, tried again until it is done. */
export interface Background {
  /** There is something to do: when that has rested for a while, together with what comes until then. */
  readonly soon: () => void;
  /** A round now, or the one that is under way and then another. Resolves when it is over, however it went. */
  readonly now: () => Promise<void>;
  /** Why the last round failed. */
  readonly trouble: () => string | undefined;
  /** No further round begins. Resolves when the running one is over. */
  readonly stop: () => Promise<void>;
}

export interface BackgroundOptions {
  readonly round: () => Promise<void>;
  /** Milliseconds that `soon` takes. */
  readonly pause: number;
  /** Milliseconds that it takes at most while there always is more to do. Default: no more than `pause`. */
  readonly longest?: number;
  /** Called when it fails with something that was not the matter before, and when it works again. */
  readonly tell: (message: string) => void;
  /** `the history cannot be pushed`. */
  readonly says: string;
}

export function inBackground({ round, pause, longest = pause, tell, says }: BackgroundOptions): Background {
  let timer: NodeJS.Timeout | undefined;
  /** When the timer fires at the latest. */
  let latest = 0;
  let running: Promise<void> | undefined;
  let failures = 0;
  let trouble: string | undefined;
  let isStopped = false;

  const start = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    running ??= takeRound().finally(() => {
      running = undefined;
    });
    return running;
  };

  const takeRound = async (): Promise<void> => {
    try {
      await round();
      if (trouble !== undefined) tell(`it works again, after: ${says}`);
      failures = 0;
      trouble = undefined;
    } catch (error) {
      const now = `${says}: ${asConfigSyncError(error).toText()}`;
      if (now !== trouble && !isStopped) tell(now);
      trouble = now;
      failures++;
      schedule(pauseAfter(failures));
    }
  };

  const schedule = (milliseconds: number): void => {
    if (!isStopped) timer ??= setTimeout(() => void startNext(), milliseconds).unref();
  };

  /** What came while a round ran may have come too late for it. */
  const startNext = async (): Promise<void> => {
    await running;
    if (!isStopped) await start();
  };

  return {
    soon: () => {
      if (failures > 0) return;
      const now = performance.now();
      if (timer === undefined) latest = now + longest;
      else if (now + pause <= latest) timer.refresh();
      schedule(pause);
    },
    now: startNext,
    trouble: () => trouble,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
