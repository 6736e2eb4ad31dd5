import type { ZodType } from "zod";
import type { ActionContext } from "../platform/context.ts";
import type { Thing } from "../platform/thing.ts";

export interface Health {
  readonly healthy: boolean;
  /** For status, without secrets: `503 instead of 200 from http://…/api/healthz`. */
  readonly detail: string;
  /**
   * Who would have known could not be asked (Docker, supervisord): nothing is known of the service, good or bad. Where a service
   * itself does not answer, that is the answer.
   */
  readonly unanswered?: true;
}

/**
 * A way to ask whether a service is healthy: one question, one answer. Waiting, repeating and giving up is the engine's.
 * One file a kind, one entry in the array of index.ts.
 *
 * `check` answers also when nobody is there (`healthy: false`); it throws only what asking again cannot mend.
 */
export interface Probe<Spec> {
  readonly kind: string;
  readonly schema: ZodType<Spec>;
  readonly describe: (spec: Spec) => string;
  /** Whose health is asked: hints about this thing are reasons to ask again. */
  readonly thing?: (spec: Spec) => Thing;
  readonly check: (spec: Spec, context: ActionContext) => Promise<Health>;
}
