import { parsePath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Explanation } from "../sync/explain.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const explain: Command = {
  name: "explain",
  argument: "<section.key>",
  summary: "show where a value comes from, which source won, and which files use it",
  help: `
A segment that holds a dot stands in brackets: [log.console].level. A section
alone lists its keys.

Examples:
  config-sync explain gitea.http_port
  config-sync explain gitea
  config-sync explain '[log.console].level'

Exit codes: 0 found, 1 there is no such key.`,
  run: runExplain,
};

async function runExplain(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const path = `/explain/${encodeURIComponent(requirePath(call.argument ?? ""))}`;
  const explanations = await askApi<readonly Explanation[]>(call, { method: "GET", path });
  if (call.json) call.print(JSON.stringify(explanations, null, 2));
  else for (const explanation of explanations) printExplanation(explanation, call);
  return exitCodes.ok;
}

/** What is none must not come into a URL: there `..` leads elsewhere. */
function requirePath(written: string): string {
  if (parsePath(written) !== undefined) return written;
  throw new ConfigSyncError("NOT_FOUND", `no source has a key ${written}`, {
    hint: "Write SECTION or SECTION.KEY; a segment that holds a dot stands in brackets: [log.console].level",
  });
}

function printExplanation({ key, value, candidates, usedBy, unknown }: Explanation, { print, style }: Call): void {
  print(`${style("bold", key)} = ${value ?? style("gray", "(not set)")}`);
  candidates.forEach(({ place, source, value: given }, index) => {
    const text = `${place || source}: ${given}`;
    print(index === 0 ? `  ${style("green", "won ")} ${text}` : `  ${style("gray", `lost ${text}`)}`);
  });
  for (const { service, output } of usedBy) print(`  used by ${service}: ${output}`);
  if (usedBy.length === 0 && unknown.length === 0) print(style("gray", "  used by no output"));
  if (unknown.length > 0)
    print(style("yellow", `  perhaps used by ${unknown.join(", ")}: "config-sync validate" tells what is wrong there`));
}
