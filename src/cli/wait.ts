import { parseDuration } from "../config/coerce.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { StatusReport } from "../sync/status.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const wait: Command = {
  name: "wait",
  argument: "[service]",
  summary: "block until the daemon is ready, or services are healthy",
  help: `
The daemon is ready when it has read its sources and answers. Without a service
that is what is waited for; with --all it is every service.

Examples:
  config-sync wait --timeout 30s && ./run-migrations
  config-sync wait gitea

Exit codes: 0 ready, 1 not within the time or no such service.`,
  options: [
    { flags: "--timeout <duration>", description: "how long to wait at most", fallback: "60s" },
    { flags: "--all", description: "wait until every service is healthy" },
  ],
  run: runWait,
};

/** Milliseconds between two questions, and that an answer may take. */
const pause = 100;
const leastPatience = 1000;
const mostPatience = 10_000;

async function runWait(call: Call): Promise<number> {
  const { askDaemon } = await import("./ask-api.ts");
  const { systemClock } = await import("../platform/clock.ts");
  const deadline = Date.now() + readTimeout(call);
  for (;;) {
    const patience = Math.min(Math.max(deadline - Date.now(), leastPatience), mostPatience);
    const whatStands = { method: "GET", path: "/status", patience } as const;
    // A daemon that restarts, or takes its time for the first look, is just what is waited for; so is the end of another command.
    const report = await askDaemon<StatusReport>(call.workspace, whatStands).catch((error: unknown) => {
      const { retryable, code } = asConfigSyncError(error);
      if (retryable || code === "DAEMON_RUNNING") return undefined;
      throw error;
    });
    // A daemon that runs goes on with the settings that it has; one that is still to come needs better ones.
    if (report === undefined) (await import("../settings.ts")).loadSettings(call.workspace);
    const lacks = whatLacks(report, call);
    if (lacks === undefined) {
      if (call.json) call.print(JSON.stringify({ ready: true }));
      return exitCodes.ok;
    }
    if (Date.now() + pause > deadline) throw new ConfigSyncError("TIMED_OUT", `not ready in time: ${lacks}`);
    await systemClock.sleep(pause);
  }
}

function readTimeout({ options }: Call): number {
  const timeout = parseDuration(String(options.timeout));
  if (timeout !== undefined) return timeout;
  throw new ConfigSyncError("USAGE", `--timeout ${options.timeout} is not a duration`, { hint: "Write 30s or 2m" });
}

/** What is still to be waited for; undefined when all is there. */
function whatLacks(report: StatusReport | undefined, { argument, options }: Call): string | undefined {
  if (report === undefined) return "no daemon answers on this workspace";
  const unread = report.revision === null || report.services.some(({ state }) => state === "unknown");
  if (unread) return report.problems[0]?.text ?? "the daemon has not read its sources yet";
  const wanted = report.services.filter(({ name }) => options.all === true || name === argument);
  if (argument !== undefined && wanted.length === 0) {
    const names = report.services.map(({ name }) => name).join(", ");
    throw new ConfigSyncError("NOT_FOUND", `there is no service "${argument}" here`, { hint: `There are: ${names}` });
  }
  const ill = wanted.find(({ state }) => state !== "healthy" && state !== "absent");
  return ill === undefined
    ? undefined
    : `${ill.name} is ${ill.state}${ill.trouble === null ? "" : `: ${ill.trouble.message}`}`;
}
