import type { Digest } from "../config/layers.ts";
import type { Redact } from "../config/secret.ts";
import type { OutputPlan, ServicePlan } from "./plan.ts";
import type { DiffLine, SecretKnowledge } from "./shown-diff.ts";
import type { Surveyed } from "./survey.ts";

/** What would be done, as it is shown: no secret stands in it. */
export interface ShownPlan {
  /** Equal hashes: the same would be done. */
  readonly hash: string;
  readonly services: readonly ShownService[];
}

export interface ShownService {
  readonly name: string;
  readonly verdict: ServicePlan["verdict"] | "refused";
  readonly why: string;
  readonly outputs: readonly ShownOutput[];
  readonly reload: string | null;
  readonly probes: readonly string[];
  readonly error?: string;
}

export interface ShownOutput {
  readonly path: string;
  readonly action: OutputPlan["action"];
  readonly diff: readonly DiffLine[];
  readonly lacks?: string;
}

export type PlanKnowledge = SecretKnowledge & { readonly redact: Redact; readonly digest: Digest };

export async function showPlan(surveyed: readonly Surveyed[], known: PlanKnowledge): Promise<ShownPlan> {
  const services = await Promise.all(surveyed.map((service) => showService(service, known)));
  return { hash: hashPlan(surveyed, known.digest), services };
}

/** Whether something would be done for the service. */
export function isChange({ verdict }: Pick<ShownService, "verdict">): boolean {
  return verdict === "apply" || verdict === "rollback";
}

function hashPlan(surveyed: readonly Surveyed[], digest: Digest): string {
  const rows = surveyed.map(({ name, plan, error }) => {
    if (plan === undefined) return [name, error.code];
    const outputs = plan.outputs.map(({ output, action, text }) => [output.path, action, text]);
    return [name, plan.verdict, plan.digest, plan.reload?.shown, outputs];
  });
  return digest(JSON.stringify(rows.sort()));
}

async function showService({ name, service, plan, error }: Surveyed, known: PlanKnowledge): Promise<ShownService> {
  if (service === undefined) {
    const nothing = { why: "", outputs: [], reload: null, probes: [] };
    return { name, verdict: "refused", ...nothing, error: known.redact(error.toText()) };
  }
  return {
    name,
    verdict: plan.verdict,
    why: known.redact(plan.why),
    outputs: await Promise.all(plan.outputs.map((output) => showOutput(output, known))),
    reload: plan.reload?.shown ?? null,
    probes: isChange(plan) ? service.probes.map(({ shown }) => shown) : [],
  };
}

async function showOutput(planned: OutputPlan, known: SecretKnowledge): Promise<ShownOutput> {
  const { output, action, lacks } = planned;
  const shown = { path: output.shownPath, action, ...(lacks === undefined ? {} : { lacks }) };
  if (action === "keep" || action === "wait") return { ...shown, diff: [] };
  const { showDiff } = await import("./shown-diff.ts");
  return { ...shown, diff: showDiff(planned, known) };
}
