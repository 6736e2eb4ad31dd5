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
  | "rolling-back";

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
  readonly ledger: Pick<Ledger, "revision" | "record">;
  readonly problems: readonly ConfigSyncError[];
  readonly surveyed: readonly Surveyed[];
  readonly running: ReadonlySet<string>;
}): StatusReport {
  const { daemon, ledger, problems, surveyed, running } = known;
  const revision = ledger.revision() ?? null;
  return {
    daemon,
    revision,
    problems: problems.map(showProblem),
    services: surveyed.map((service) =>
      reportService(service, ledger.record(service.name), { revision, running: running.has(service.name) }),
    ),
  };
}

function reportService(
  { name, plan, error }: Surveyed,
  record: ServiceRecord,
  now: { readonly revision: Revision | null; readonly running: boolean },
): ServiceStatus {
  const trouble = error === undefined ? record.trouble : { code: error.code, message: error.toText(), at: Date.now() };
  const current = plan?.verdict === "current";
  const absent = plan?.verdict === "absent" ? { code: "NOT_FOUND", message: plan.why, at: Date.now() } : undefined;
  return {
    name,
    state: now.running ? "working" : stateOf(plan, record),
    // What has nothing to do is as good as on the newest revision: nothing of that concerned it.
    desired: now.revision?.number ?? null,
    live: current ? (now.revision?.number ?? null) : (record.healthy?.revision ?? null),
    drift: plan?.drifted ?? false,
    lastReload: record.lastReload ?? null,
    retryAt: current ? null : (record.retryAt ?? null),
    trouble: current ? null : (absent ?? trouble ?? null),
  };
}

function stateOf(plan: Surveyed["plan"], record: ServiceRecord): ServiceState {
  if (plan === undefined) return "refused";
  if (plan.verdict === "current") return "healthy";
  if (plan.verdict === "absent") return "absent";
  if (plan.verdict === "rollback") return "rolling-back";
  if (plan.verdict === "quarantined") return refusals.has(record.trouble?.code ?? "") ? "refused" : "rolled-back";
  if (record.retryAt !== undefined) return "waiting";
  return plan.drifted ? "drifted" : "pending";
}

/** What was turned away before the service saw anything of it. */
const refusals = new Set(["CHECK_REFUSED", "PATH_FORBIDDEN", "PARSE_FAILED", "UNREPRESENTABLE"]);
