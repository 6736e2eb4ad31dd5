import type { ZodType } from "zod";
import type { ActionContext } from "../platform/context.ts";
import type { Thing } from "../platform/thing.ts";

/** One run of a service, from a start to its end. */
export interface Incarnation {
  /** Another one after every start, and where something else has taken the name. Opaque. */
  readonly id: string;
  /**
   * Milliseconds since the epoch, by the clock of who started it; rather too early than too late. Files that were in place before
   * are loaded. For a run that is not the one that was reloaded, files that came later are not.
   */
  readonly startedAt: number;
}

/**
 * A way to make a service load its configuration. One file a kind, one entry in the array of index.ts.
 *
 * `run` resolves when the service was told and the mechanism said yes. It throws ConfigSyncError:
 * UNREACHABLE (socket, container, program, host not there: tried again for as long as it takes),
 * RELOAD_REFUSED (it was asked and said no) or TIMED_OUT.
 */
export interface Reload<Spec> {
  /** The key in a manifest: `docker`. */
  readonly kind: string;
  /** The spec as written in a manifest, its strings already filled in. */
  readonly schema: ZodType<Spec>;
  /** For plans and status, without secrets: `restart container websoft9-git`. */
  readonly describe: (spec: Spec) => string;
  readonly run: (spec: Spec, context: ActionContext) => Promise<void>;
  /** Whether the service runs now; without it, a rollback takes it that it ran. */
  readonly isRunning?: (spec: Spec, context: ActionContext) => Promise<boolean>;
  /** Stops the service again, where a rollback must bring back that it was stopped. */
  readonly stop?: (spec: Spec, context: ActionContext) => Promise<void>;
  /** Starts the service, where a rollback must bring back that it ran and there is nothing left to tell. */
  readonly start?: (spec: Spec, context: ActionContext) => Promise<void>;
  /** The run that the service is in now; undefined while it is in none. */
  readonly incarnation?: (spec: Spec, context: ActionContext) => Promise<Incarnation | undefined>;
  /** What the service runs as: hints about this thing are hints about the service. */
  readonly thing?: (spec: Spec) => Thing;
}
