import type { ActionContext } from "../platform/context.ts";
import { probeOf } from "../probe/index.ts";
import type { Health } from "../probe/probe.ts";
import { reloadOf } from "../reload/index.ts";
import type { StoredAction } from "./record.ts";

/** The reloads and probes of the manifests, carried out by kind. */
export interface Actions {
  readonly reload: (action: StoredAction, signal: AbortSignal) => Promise<void>;
  /** Undefined where the kind cannot tell. */
  readonly isRunning: (action: StoredAction, signal: AbortSignal) => Promise<boolean | undefined>;
  readonly stop: (action: StoredAction, signal: AbortSignal) => Promise<void>;
  readonly check: (action: StoredAction, signal: AbortSignal) => Promise<Health>;
}

export function createActions(base: Omit<ActionContext, "signal">): Actions {
  const context = (signal: AbortSignal): ActionContext => ({ ...base, signal });
  return {
    reload: ({ kind, spec }, signal) => reloadOf(kind).run(spec, context(signal)),
    isRunning: async ({ kind, spec }, signal) => reloadOf(kind).isRunning?.(spec, context(signal)),
    stop: async ({ kind, spec }, signal) => reloadOf(kind).stop?.(spec, context(signal)),
    check: ({ kind, spec }, signal) => probeOf(kind).check(spec, context(signal)),
  };
}
