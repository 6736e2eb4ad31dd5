import type { RevisionInfo } from "../history/history.ts";
import type { ShownChange } from "../sync/events.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const diff: Command = {
  name: "diff",
  argument: "<revisions...>",
  summary: "show what is different between two revisions, or one and the newest",
  help: `
Compares values; secrets are masked, so that a changed one shows as changed.

Examples:
  config-sync diff 11 12
  config-sync diff 9

Exit codes: 0 printed, 1 there is no such revision.`,
  run: runDiff,
};

async function runDiff(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const { readNumber } = await import("./read-revision.ts");
  const { ConfigSyncError } = await import("../errors.ts");
  const [from, to, ...others] = call.arguments.map((text) => readNumber(text, "a revision"));
  if (from === undefined || others.length > 0) throw new ConfigSyncError("USAGE", "name one revision or two");
  const query = { from: String(from), to: String(to ?? (await newest(call))) };
  const found = await askApi<{ from: number; to: number; changes: readonly ShownChange[] }>(call, {
    method: "GET",
    path: "/settings/diff",
    query,
  });
  if (call.json) call.print(JSON.stringify(found, null, 2));
  else {
    call.print(call.style("cyan", `revision ${found.from} → ${found.to}`));
    for (const change of found.changes) printChange(change, call);
    if (found.changes.length === 0) call.print("no value is different");
  }
  return exitCodes.ok;
}

async function newest(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const request = { method: "GET", path: "/settings/history", query: { limit: "1" } } as const;
  const { revisions } = await askApi<{ revisions: readonly RevisionInfo[] }>(call, request);
  return revisions[0]?.number ?? 1;
}

function printChange({ key, before, after }: ShownChange, { print, style }: Call): void {
  if (before !== undefined) print(style("red", `- ${key} = ${before}`));
  if (after !== undefined) print(style("green", `+ ${key} = ${after}`));
}
