import type { ZodType } from "zod";
import type { ActionContext } from "../platform/context.ts";

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
}
