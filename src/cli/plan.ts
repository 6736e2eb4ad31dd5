import type { OutputPlan } from "../sync/plan.ts";
import type { DiffLine } from "../sync/shown-diff.ts";
import { isChange, type ShownPlan, type ShownService } from "../sync/shown-plan.ts";
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

Exit codes: 0 nothing to do, 2 there are changes, 1 something is wrong. What is
held back in quarantine is no change: it counts as 0, and "status" tells of it.`,
  run: runPlan,
};

async function runPlan(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const shown = await askApi<ShownPlan>(call, { method: "POST", path: "/plan" });
  if (call.json) call.print(JSON.stringify(shown, null, 2));
  else printPlan(shown.services, call);
  if (shown.services.some(({ error }) => error !== undefined)) return exitCodes.error;
  return shown.services.some(isChange) ? exitCodes.changes : exitCodes.ok;
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
