import type { StatusReport } from "../sync/status.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const status: Command = {
  name: "status",
  summary: "show where every service stands, and why",
  help: `
Asks the daemon; without one it is worked out from the state folder and files.

States:
  healthy       runs on the newest configuration, as far as its probes can tell
  absent        the files that the service itself makes are not there yet
  pending       has something to do
  working       is being worked on just now
  waiting       failed, and is tried again
  drifted       somebody else changed a file
  refused       the newest configuration cannot be applied; the last good stays
  rolled-back   the newest configuration made it ill; back on the last good
  rolling-back  the same, and the way back is not finished
  unknown       nobody can say while the sources cannot be read

Examples:
  config-sync status
  config-sync status --json | jq '.services[] | select(.state != "healthy")'

Exit codes: 0 the status was printed, whatever it is, 1 it cannot be found out.`,
  run: runStatus,
};

async function runStatus(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const report = await askApi<StatusReport>(call, { method: "GET", path: "/status" });
  if (call.json) call.print(JSON.stringify(report, null, 2));
  else await printStatus(report, call);
  return exitCodes.ok;
}

async function printStatus(report: StatusReport, { print, style }: Call): Promise<void> {
  const { daemon, revision, services } = report;
  const { formatProblems, formatServices } = await import("./status-table.ts");
  const { formatTime } = await import("./terminal.ts");
  const since =
    daemon === null
      ? style("yellow", "no daemon runs")
      : `daemon ${daemon.pid}, started ${formatTime(daemon.since, Date.now())}`;
  const taken =
    revision === null
      ? "no revision yet"
      : `revision ${revision.number}, taken up ${formatTime(revision.at, Date.now())}`;
  print(`${since}; ${taken}\n`);
  for (const line of formatProblems(report, style)) print(line);
  if (services.length > 0) print(formatServices(services, style));
}
