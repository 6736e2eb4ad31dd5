import type { OutputPlan } from "../sync/plan.ts";
import type { DiffLine, SecretKnowledge } from "../sync/shown-diff.ts";
import type { Surveyed } from "../sync/survey.ts";
import { type Call, type Command, exitCodes } from "./command.ts";
import type { Style } from "./terminal.ts";

export const plan: Command = {
  name: "plan",
  summary: "show what would change in the services' files, and which reloads that needs",
  help: `
Looks at the sources and at the files as they are, and changes nothing. Secrets
are shown as tags: equal tags, equal secrets.

Examples:
  config-sync plan
  config-sync plan --json | jq '.services[] | select(.verdict == "apply").name'

Exit codes: 0 nothing to do, 2 there are changes, 1 something is wrong.`,
  run: runPlan,
};

async function runPlan(call: Call): Promise<number> {
  const { inspectWorkspace, requireSnapshot, secretKnowledge, survey } = await import("./inspect.ts");
  const inspection = await inspectWorkspace(call.workspace);
  requireSnapshot(inspection);
  const known = secretKnowledge(inspection);
  const shown = await Promise.all((await survey(inspection)).map((service) => showService(service, known)));
  if (call.json) call.print(JSON.stringify({ services: shown }, null, 2));
  else printPlan(shown, call);
  if (shown.some(({ error }) => error !== undefined)) return exitCodes.error;
  return shown.some(isChange) ? exitCodes.changes : exitCodes.ok;
}

interface ShownService {
  readonly name: string;
  readonly verdict: string;
  readonly why: string;
  readonly outputs: readonly ShownOutput[];
  readonly reload: string | null;
  readonly probes: readonly string[];
  readonly error?: string;
}

interface ShownOutput {
  readonly path: string;
  readonly action: OutputPlan["action"];
  readonly diff: readonly DiffLine[];
  readonly lacks?: string | undefined;
}

function isChange({ verdict }: Pick<ShownService, "verdict">): boolean {
  return verdict === "apply" || verdict === "rollback";
}

async function showService({ name, service, plan, error }: Surveyed, known: SecretKnowledge): Promise<ShownService> {
  if (service === undefined) {
    return {
      name,
      verdict: "refused",
      why: "",
      outputs: [],
      reload: null,
      probes: [],
      error: known.redact(error.toText()),
    };
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
  const shown = { path: output.shownPath, action, lacks };
  if (action === "keep" || action === "wait") return { ...shown, diff: [] };
  const { showDiff } = await import("../sync/shown-diff.ts");
  return { ...shown, diff: showDiff(planned, known) };
}

const signs: Readonly<Record<OutputPlan["action"], string>> = {
  create: "+",
  update: "~",
  keep: "=",
  wait: "…",
  leave: "!",
};

const lineStyles: Readonly<Record<DiffLine["kind"], Style>> = {
  hunk: "cyan",
  context: "gray",
  removed: "red",
  added: "green",
};

const linePrefixes: Readonly<Record<DiffLine["kind"], string>> = {
  hunk: "",
  context: "  ",
  removed: "- ",
  added: "+ ",
};

function printPlan(services: readonly ShownService[], { print, style }: Call): void {
  const isNews = ({ verdict, outputs }: ShownService): boolean =>
    verdict !== "current" || outputs.some(({ action }) => action === "leave");
  for (const service of services.filter(isNews)) {
    const tone = service.error !== undefined || service.verdict === "quarantined" ? "red" : "yellow";
    print(`${style("bold", service.name)}  ${style(tone, service.error ?? service.why)}`);
    for (const { path, action, diff, lacks } of service.outputs) {
      if (action === "keep") continue;
      print(`  ${signs[action]} ${path}${lacks === undefined ? "" : style("gray", ` waits for ${lacks}`)}`);
      for (const { kind, text } of diff) print(`      ${style(lineStyles[kind], `${linePrefixes[kind]}${text}`)}`);
    }
    if (isChange(service)) print(`  ${style("gray", describeReload(service))}`);
    print("");
  }
  print(summarize(services));
}

function describeReload({ reload, probes }: ShownService): string {
  const then = probes.length === 0 ? "" : `, then ${probes.join(", ")}`;
  return reload === null ? `no reload${then}` : `reload: ${reload}${then}`;
}

function summarize(services: readonly ShownService[]): string {
  const changes = services.filter(isChange).length;
  const current = services.filter(({ verdict }) => verdict === "current").length;
  const absent = services.filter(({ verdict }) => verdict === "absent").length;
  const stuck = services.length - changes - current - absent;
  const others = [...(absent > 0 ? [`${absent} not there yet`] : []), ...(stuck > 0 ? [`${stuck} held back`] : [])];
  const parts = [`${changes} to change`, `${current} up to date`, ...others];
  return `${services.length} ${services.length === 1 ? "service" : "services"}: ${parts.join(", ")}`;
}
