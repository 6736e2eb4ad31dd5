/** Holding an answer until the services that a change concerns are done with it: healthy, or back on what they had. */
import { setTimeout as pause } from "node:timers/promises";

import type { Change } from "../../config/diff.ts";
import type { RevisionInfo } from "../../history/history.ts";
import type { ServiceStatus, StatusReport } from "../../sync/status.ts";
import type { ApiApp, ApiParts, ServiceUse } from "./parts.ts";

export interface Health {
  readonly outcome: "healthy" | "rolled-back" | "refused" | "unfinished";
  readonly services: readonly ServiceStatus[];
}

type Watched = Pick<ApiParts, "services" | "status" | "subscribe">;

/** Milliseconds after which the state is looked at without any event. */
const lookEvery = 1000;
/** A look goes over all services, and so do their events: between two of them lies this many times what the last one took. */
const rest = 4;

/**
 * Decided from what `status` says, never from an event: that only means to look again. A service counts when the engine is on the
 * app's newest revision, which is this one or came after it.
 */
export async function whenHealthy(
  changed: { readonly revision: RevisionInfo; readonly changes: readonly Pick<Change, "key">[] },
  { app, parts, signal }: { readonly app: ApiApp; readonly parts: Watched; readonly signal: AbortSignal },
): Promise<Health> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  try {
    for (;;) {
      const begun = performance.now();
      const news = nextEvent(parts, stop);
      const report = await parts.status();
      const concerned = servicesUsing(changed.changes, parts.services());
      const services = report.services.filter(({ name }) => concerned.includes(name));
      const outcome = hasArrived(report, changed.revision, app) ? outcomeOf(services) : "unfinished";
      if (outcome !== "unfinished" || signal.aborted) return { outcome, services };
      const longEnough = Math.min(lookEvery, rest * (performance.now() - begun));
      await Promise.all([news, pause(longEnough, undefined, { signal: stop }).catch(() => undefined)]);
    }
  } finally {
    over.abort();
  }
}

/** The same for services by their name, whatever the revision. */
export async function standing(names: readonly string[], parts: Pick<ApiParts, "status">): Promise<Health> {
  const services = (await parts.status()).services.filter(({ name }) => names.includes(name));
  return { outcome: outcomeOf(services), services };
}

function hasArrived({ revision }: StatusReport, { number }: RevisionInfo, app: ApiApp): boolean {
  const { head } = app.current();
  return head !== undefined && head.number >= number && revision?.hash === head.hash;
}

export function outcomeOf(services: readonly ServiceStatus[]): Health["outcome"] {
  const outcomes = services.map(outcomeOfOne);
  return (["unfinished", "rolled-back", "refused"] as const).find((one) => outcomes.includes(one)) ?? "healthy";
}

/** Unfinished is what still goes on by itself. */
function outcomeOfOne({ state, desired, live }: ServiceStatus): Health["outcome"] {
  switch (state) {
    case "healthy":
    case "absent":
      return "healthy";
    case "drifted":
      // Left as somebody else made it, or about to be repaired.
      return live === desired ? "healthy" : "unfinished";
    case "refused":
    case "rolled-back":
      return state;
    default:
      return "unfinished";
  }
}

/** A template that walks over a section uses the section; one that cannot be rendered may use anything. */
export function servicesUsing(changes: readonly Pick<Change, "key">[], services: readonly ServiceUse[]): string[] {
  const touches = (use: string): boolean => changes.some(({ key }) => key === use || key.startsWith(`${use}.`));
  return services.flatMap(({ name, uses }) => (uses === undefined || uses.some(touches) ? name : []));
}

/** Begins to listen at once. */
function nextEvent({ subscribe }: Watched, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      stop();
      resolve();
    };
    const timer = setTimeout(done, lookEvery);
    signal.addEventListener("abort", done);
    const stop = subscribe(done);
  });
}
