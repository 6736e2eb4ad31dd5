import type { ConfigSyncError } from "../errors.ts";
import { type Problem, showProblem } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import type { Revision, ServiceRecord } from "./record.ts";
import type { Surveyed } from "./survey.ts";

/** Where a service stands, in one word. */
export type ServiceState =
  | "healthy"
  | "absent"
  | "pending"
  | "working"
  | "waiting"
  | "drifted"
  | "refused"
  | "rolled-back"
  | "rolling-back"
  | "unknown";

export interface ServiceStatus {
  readonly name: string;
  readonly state: ServiceState;
  /** The revision that the service should be on, and the one that it was last healthy on. */
  readonly desired: number | null;
  readonly live: number | null;
  /** An output no longer holds what was applied. */
  readonly drift: boolean;
  /** Milliseconds since the epoch, as all times. */
  readonly lastReload: { readonly at: number; readonly took: number; readonly shown: string } | null;
  readonly retryAt: number | null;
  readonly trouble: { readonly code: string; readonly message: string; readonly at: number } | null;
}

export interface StatusReport {
  readonly daemon: { readonly pid: number; readonly since: number; readonly version: string } | null;
  readonly revision: Revision | null;
  /** What is wrong with the sources; while there is something, the last good revision stays in force. */
  readonly problems: readonly Problem[];
  readonly services: readonly ServiceStatus[];
}

export function reportStatus(known: {
  readonly daemon: StatusReport["daemon"];
  /** Every service, in the order in which they are shown. */
  readonly names: readonly string[];
  readonly ledger: Pick<Ledger, "revision" | "record">;
  readonly problems: readonly ConfigSyncError[];
  readonly surveyed: readonly Surveyed[];
  readonly running: ReadonlySet<string>;
}): StatusReport {
  const { daemon, names, ledger, problems, running } = known;
  const revision = ledger.revision() ?? null;
  const surveyed = new Map(known.surveyed.map((service) => [service.name, service]));
  return {
    daemon,
    revision,
    problems: problems.map(showProblem),
    services: names.map((name) =>
      reportService(name, surveyed.get(name), ledger.record(name), { revision, running: running.has(name) }),
    ),
  };
}

/** Not surveyed is what nobody can plan for: there were no usable sources since the start. */
function reportService(
  name: string,
  surveyed: Surveyed | undefined,
  record: ServiceRecord,
  now: { readonly revision: Revision | null; readonly running: boolean },
): ServiceStatus {
  const { plan, error } = surveyed ?? {};
  const upToDate = plan?.verdict === "current";
  const current = upToDate && !isUnasked(record);
  const absent = plan?.verdict === "absent" ? { code: "NOT_FOUND", message: plan.why } : undefined;
  const found = absent ?? (error && { code: error.code, message: error.toText() });
  const trouble = found && { ...found, at: record.trouble?.code === found.code ? record.trouble.at : Date.now() };
  return {
    name,
    state: now.running ? "working" : stateOf(surveyed, record),
    // What has nothing to do is as good as on the newest revision: nothing of that concerned it.
    desired: now.revision?.number ?? null,
    live: upToDate ? (now.revision?.number ?? null) : (record.healthy?.revision ?? null),
    drift: (plan?.drifted ?? []).length > 0,
    lastReload: record.lastReload ?? null,
    retryAt: current ? null : (record.retryAt ?? null),
    trouble: current ? null : (trouble ?? record.trouble ?? null),
  };
}

/** Nothing is to be changed, but nobody could say whether the service is well. */
function isUnasked({ trouble, retryAt }: ServiceRecord): boolean {
  return trouble?.code === "UNREACHABLE" && retryAt !== undefined;
}

function stateOf(surveyed: Surveyed | undefined, record: ServiceRecord): ServiceState {
  if (surveyed === undefined) return "unknown";
  const { plan, error } = surveyed;
  if (plan === undefined) return error.retryable && record.retryAt !== undefined ? "waiting" : "refused";
  const isDrifted = plan.drifted.length > 0;
  if (plan.verdict === "current" && !isUnasked(record)) return isDrifted ? "drifted" : "healthy";
  if (plan.verdict === "absent") return "absent";
  if (plan.verdict === "rollback") return "rolling-back";
  if (plan.verdict === "quarantined" && record.retryAt === undefined)
    return record.quarantine?.refused === true ? "refused" : "rolled-back";
  if (record.retryAt !== undefined) return "waiting";
  return isDrifted ? "drifted" : "pending";
}
