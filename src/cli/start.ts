import { ConfigSyncError } from "../errors.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const start: Command = {
  name: "start",
  summary: "run the daemon in the foreground: watch, write, reload, verify",
  help: `
Runs until SIGTERM or Ctrl-C: a file that is being written is finished, a
reload or probe is broken off and taken up again at the next start; a second
signal waits for nothing. Logs to standard output, for people on a terminal
and as JSON elsewhere (log.format in config-sync.yaml, or --log).

Examples:
  config-sync start -w /etc/config-sync
  config-sync start --log json | jq .

Exit codes: 0 stopped by a signal, 1 it could not start, 130 a second signal.`,
  options: [{ flags: "--log <format>", description: "text or json" }],
  run: runStart,
};

async function runStart(call: Call): Promise<number> {
  const stopped = waitForSignal();
  const asked = readLogFormat(call);
  const [{ openWorkspace }, { startDaemon }, { createLog }, { describeEvent }] = await Promise.all([
    import("../workspace.ts"),
    import("../daemon.ts"),
    import("../platform/log.ts"),
    import("../sync/events.ts"),
  ]);
  const workspace = await openWorkspace(call.workspace);
  const { settings } = workspace;
  const format = asked ?? settings.log.format ?? (process.stdout.isTTY ? "text" : "json");
  const log = createLog({ level: settings.log.level, format, style: call.style });
  const daemon = await startDaemon(workspace, {
    emit: (event) => {
      const { about, text, tone } = describeEvent(event);
      const fields = format === "text" ? { about, tone } : { about, event };
      log[tone === "bad" ? "warn" : "info"](fields, text);
    },
  });
  const [watching, ...tips] = describeStart(settings, call);
  log.info({ about: "config-sync", tone: "quiet" }, format === "text" ? [watching, ...tips].join("\n") : watching);
  const signal = await stopped;
  log.info({ about: "config-sync", tone: "quiet" }, `${signal}: stopping`);
  await daemon.stop();
  return exitCodes.ok;
}

function readLogFormat({ options }: Call): "text" | "json" | undefined {
  const { log } = options;
  if (log === undefined || log === "text" || log === "json") return log;
  throw new ConfigSyncError("USAGE", `--log ${log} is not a format`, { hint: "Write text or json" });
}

/** One Ctrl-C under npm arrives twice, from the terminal and from npm: nobody presses it twice in this many milliseconds. */
const echo = 100;

/** Resolves with the first signal that asks to stop; from then on the next one ends the process at once. */
function waitForSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let first: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (first !== undefined && performance.now() - first > echo) process.exit(130);
      first ??= performance.now();
      resolve(signal);
    });
  }
  return promise;
}

function describeStart(
  { folder, services }: { folder: string; services: readonly string[] },
  { workspace }: Call,
): string[] {
  return [
    `watching ${folder} for ${services.length} ${services.length === 1 ? "service" : "services"}: ${services.slice(0, 8).join(", ")}${services.length > 8 ? ", …" : ""}`,
    `try: edit ${workspace}/config.ini and save it`,
    `     config-sync status -w ${workspace}   (in a checkout: scripts/config-sync)`,
  ];
}
