import type { Digest } from "../config/layers.ts";
import type { Redact } from "../config/secret.ts";
import type { ConfigSyncError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { RenderedService } from "../services/render.ts";
import type { Actions } from "./actions.ts";
import type { Emit, Step } from "./events.ts";
import type { Ledger } from "./ledger.ts";

/** What stays the same from turn to turn. */
export interface Shared {
  readonly ledger: Ledger;
  readonly actions: Actions;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly digest: Digest;
  /** Blots the secrets of the present snapshot out of foreign text. */
  readonly redact: Redact;
  /** The folders that outputs may be in. */
  readonly roots: readonly string[];
  /** Where writes in place keep their journal. */
  readonly journal: string;
  /** Base of relative paths in commands. */
  readonly folder: string;
  /** How often a service may refuse to reload before the change is taken back. */
  readonly reloadAttempts: number;
}

/** One turn of one service. */
export interface Turn extends Shared {
  readonly service: RenderedService;
  readonly revision: number;
  /** Whether there are services that change together with this one. */
  readonly inGroup: boolean;
  /** Ends the turn wherever it is: the daemon stops. */
  readonly stopping: AbortSignal;
  /** Ends the wait for health: there is something newer to apply. */
  readonly superseded: AbortSignal;
}

/** How a turn ended. `retry`: the same again after a pause. `refused` and `rolled-back`: only other input helps. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "superseded" }
  | { readonly kind: "retry"; readonly error: ConfigSyncError }
  | { readonly kind: "refused"; readonly error: ConfigSyncError }
  | { readonly kind: "rolled-back"; readonly error: ConfigSyncError };

export function tell(turn: Turn, step: Step, text: string): void {
  turn.emit({ type: "service", service: turn.service.name, step, text });
}
