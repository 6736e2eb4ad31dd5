import type { ActionContext } from "../platform/context.ts";
import type { Thing } from "../platform/thing.ts";
import { probeOf } from "../probe/index.ts";
import type { Health } from "../probe/probe.ts";
import { reloadOf } from "../reload/index.ts";
import type { Incarnation } from "../reload/reload.ts";
import type { RenderedService } from "../services/render.ts";
import type { StoredAction } from "./record.ts";

/** The reloads and probes of the manifests, carried out by kind. */
export interface Actions {
  readonly reload: (action: StoredAction, signal: AbortSignal) => Promise<void>;
  /** Undefined where the kind cannot tell. */
  readonly isRunning: (action: StoredAction, signal: AbortSignal) => Promise<boolean | undefined>;
  readonly stop: (action: StoredAction, signal: AbortSignal) => Promise<void>;
  /** Where the kind has no way of its own to start a service, it is told to reload, which is as much. */
  readonly start: (action: StoredAction, signal: AbortSignal) => Promise<void>;
  /** Undefined where the kind cannot tell, and for what does not run. */
  readonly incarnation: (action: StoredAction, signal: AbortSignal) => Promise<Incarnation | undefined>;
  readonly check: (action: StoredAction, signal: AbortSignal) => Promise<Health>;
}

export function createActions(base: Omit<ActionContext, "signal">): Actions {
  const context = (signal: AbortSignal): ActionContext => ({ ...base, signal });
  return {
    reload: ({ kind, spec }, signal) => reloadOf(kind).run(spec, context(signal)),
    isRunning: async ({ kind, spec }, signal) => reloadOf(kind).isRunning?.(spec, context(signal)),
    stop: async ({ kind, spec }, signal) => reloadOf(kind).stop?.(spec, context(signal)),
    start: ({ kind, spec }, signal) => {
      const { start, run } = reloadOf(kind);
      return (start ?? run)(spec, context(signal));
    },
    incarnation: async ({ kind, spec }, signal) => reloadOf(kind).incarnation?.(spec, context(signal)),
    check: ({ kind, spec }, signal) => probeOf(kind).check(spec, context(signal)),
  };
}

/** What the service runs as, and whose health is asked. */
export function thingsOf({ reload, probes }: Pick<RenderedService, "reload" | "probes">): Thing[] {
  const things = [
    ...reload.map(({ action }) => reloadOf(action.kind).thing?.(action.spec)),
    ...probes.map(({ kind, spec }) => probeOf(kind).thing?.(spec)),
  ];
  return things.filter((thing) => thing !== undefined);
}
