/** A contest holds one format against one oracle, in several trials. */
import fc, { type IAsyncPropertyWithHooks } from "fast-check";

export interface Contest {
  readonly name: string;
  /** Who is asked, as the progress says it. */
  readonly against: string;
  /** It starts programs of the machine; the others need Node.js alone. */
  readonly needsPrograms: boolean;
  readonly start: () => Promise<Running>;
}

export interface Running {
  readonly trials: readonly Trial[];
  readonly stop: () => Promise<void>;
}

export interface Trial {
  readonly name: string;
  /** How many of the cases asked for it takes: 0.5 is half of them. */
  readonly share: number;
  /** Cases in one run of the property: more than one where a run of the real program is dear. */
  readonly batch?: number;
  /** It looks itself for the smallest part of a batch that fails; fast-check would take hours. */
  readonly narrowsDown?: boolean;
  readonly property: IAsyncPropertyWithHooks<unknown[]>;
  /** How many cases said something: written and not refused, read by both. A trial in which none does is worth nothing. */
  readonly telling: () => number;
}

export interface Outcome {
  readonly cases: number;
  readonly telling: number;
  readonly failure?: {
    readonly counterexample: string;
    readonly reason: string;
    /** Leads fast-check back to the shrunk case at once. */
    readonly path: string;
  };
}

const leastRuns = 10;

/** Runs a trial on `cases` random cases; with a path, on the one case that it names. */
export async function runTrial(trial: Trial, cases: number, seed: number, path?: string): Promise<Outcome> {
  const batch = trial.batch ?? 1;
  const runs = Math.max(leastRuns, Math.ceil((cases * trial.share) / batch));
  const before = trial.telling();
  const details = await fc.check(trial.property, {
    seed,
    numRuns: runs,
    endOnFailure: path !== undefined || trial.narrowsDown === true,
    ...(path === undefined ? {} : { path }),
  });
  const outcome = { cases: details.numRuns * batch, telling: trial.telling() - before };
  if (!details.failed) return outcome;
  const error = details.errorInstance;
  const shown = trial.narrowsDown ? "as above" : fc.stringify(details.counterexample);
  const failure = {
    counterexample: shown,
    reason: error instanceof Error ? error.message : String(error),
    path: details.counterexamplePath ?? "",
  };
  return { ...outcome, failure };
}
