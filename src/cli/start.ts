import { isatty } from "node:tty";
import { formatLink } from "../audit/entry.ts";
import type { ApiEvent, Reread } from "../daemon.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Settings } from "../settings.ts";
import type { EventLine } from "../sync/events.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const start: Command = {
  name: "start",
  summary: "run the daemon in the foreground: watch, write, reload, verify",
  help: `
Runs until SIGTERM or Ctrl-C: a file that is being written is finished, a
reload or probe is broken off and taken up again at the next start; a second
signal waits for nothing. SIGHUP reads settings, manifests and templates
again, and goes on with the old ones where the new cannot be used. Logs to
standard output, for people on a terminal and as JSON elsewhere (log.format in
config-sync.yaml, or --log).

Examples:
  config-sync start -w /etc/config-sync
  config-sync start --log json | jq .

Exit codes: 0 stopped by a signal, 1 it could not start, 130 a second signal.`,
  options: [
    { flags: "--log <format>", description: "text or json" },
    { flags: "--no-api", description: "listen nowhere, whatever api.listen says" },
  ],
  run: runStart,
};

async function runStart(call: Call): Promise<number> {
  const signals = listenToSignals();
  const [{ openWorkspace }, { startDaemon }, openLog, { describeEvent }] = await Promise.all([
    import("../workspace.ts"),
    import("../daemon.ts"),
    prepareLog(call),
    import("../sync/events.ts"),
  ]);
  const workspace = await openWorkspace(call.workspace);
  let { say, format, details } = openLog(workspace.settings);
  const daemon = await startDaemon(workspace, {
    emit: (event) => say(describeEvent(event), event),
    onReread: (outcome) => {
      if (outcome.kind === "taken") ({ say, format, details } = openLog(outcome.workspace.settings));
      say(describeReread(outcome));
    },
    onApi: (event) => {
      // Of thousands of answers a second, nothing is made that nobody reads.
      if (event.type !== "answered" || details) say(describeApi(event));
    },
    // A log that is collected is no place for a key.
    makesAdmin: format === "text",
    listen: call.options.api !== false,
  });
  say(describeStart(workspace.settings, call));
  signals.onHangup(daemon.reread);
  const signal = await signals.stopped;
  say(quietly(`${signal}: stopping`));
  await daemon.stop();
  return exitCodes.ok;
}

interface Line extends EventLine {
  /** For who looks closely only. */
  readonly detail?: boolean;
  /** Further lines that only people need. */
  readonly tips?: readonly string[];
}

interface OpenedLog {
  /** Writes a line to the log; for programs with the event that it tells of. */
  readonly say: (line: Line, event?: unknown) => void;
  readonly format: "text" | "json";
  /** Whether it takes what is for who looks closely only. */
  readonly details: boolean;
}

async function prepareLog(call: Call): Promise<(settings: Settings) => OpenedLog> {
  const asked = readLogFormat(call);
  const { createLog } = await import("../platform/log.ts");
  return ({ log: { level, format: set } }) => {
    const format = asked ?? set ?? (process.stdout.isTTY ? "text" : "json");
    const log = createLog({ level, format, style: call.style });
    const say: OpenedLog["say"] = ({ about, text, tone, detail, tips = [] }, event) => {
      const isForPeople = format === "text";
      const fields = isForPeople || event === undefined ? { about, tone } : { about, event };
      log[tone === "bad" ? "warn" : detail ? "debug" : "info"](fields, isForPeople ? [text, ...tips].join("\n") : text);
    };
    return { say, format, details: level === "debug" };
  };
}

function readLogFormat({ options }: Call): "text" | "json" | undefined {
  const { log } = options;
  if (log === undefined || log === "text" || log === "json") return log;
  throw new ConfigSyncError("USAGE", `--log ${log} is not a format`, { hint: "Write text or json" });
}

interface Signals {
  /** The first signal that asks to stop; from then on the next one ends the process at once. */
  readonly stopped: Promise<string>;
  /** What SIGHUP does; one that came before counts. */
  readonly onHangup: (act: () => void) => void;
}

/** One Ctrl-C under npm arrives twice, from the terminal and from npm: nobody presses it twice in this many milliseconds. */
const echo = 100;

function listenToSignals(): Signals {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  const { promise: ready, resolve: onHangup } = Promise.withResolvers<() => void>();
  let first: number | undefined;
  const end = (signal: NodeJS.Signals): void => {
    if (first !== undefined && performance.now() - first > echo) process.exit(130);
    first ??= performance.now();
    stop(signal);
  };
  const isTerminalGone = followTerminal();
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  process.on("SIGHUP", (signal) => (isTerminalGone() ? end(signal) : void ready.then((act) => act())));
  return { stopped, onHangup };
}

/** A shell whose window is closed sends SIGHUP, too. Who was started from it ends with it, as any program does. */
function followTerminal(): () => boolean {
  const streams = [0, 1, 2].filter((stream) => isatty(stream));
  return () => streams.length > 0 && !streams.some((stream) => isatty(stream));
}

function describeStart({ folder, services }: Settings, { workspace }: Call): Line {
  const count = `${services.length} ${services.length === 1 ? "service" : "services"}`;
  const names = `${services.slice(0, 8).join(", ")}${services.length > 8 ? ", …" : ""}`;
  const tips = [
    `try: edit ${workspace}/config.ini and save it`,
    `     config-sync status -w ${workspace}   (in a checkout: scripts/config-sync)`,
  ];
  return { ...quietly(`watching ${folder} for ${count}: ${names}`), tips };
}

function describeReread(outcome: Reread): EventLine {
  const about = "settings";
  if (outcome.kind === "taken") return { about, text: outcome.text, tone: "quiet" };
  return { about, text: outcome.problems.map((problem) => problem.toText()).join("\n"), tone: "bad" };
}

function describeApi(event: ApiEvent): Line {
  const about = "api";
  switch (event.type) {
    case "listening":
      return { about, text: `listening on ${event.addresses.join(", ")}`, tone: "quiet", tips: docsTips(event) };
    case "cannot-listen":
      return { about, text: event.error.toText(), tone: "bad" };
    case "admin-key":
      return {
        about,
        text: `the key of the first admin, shown this once: ${event.key}`,
        tone: "quiet",
        tips: ["more of them: config-sync access key create NAME"],
      };
    case "audit-head":
      return { about: "audit", text: `the audit log goes up to ${formatLink(event)}`, tone: "quiet" };
    case "answered": {
      const { method, route, status, took, who = "nobody", address } = event;
      const text = `${status} ${method} ${route} for ${who} from ${address} in ${Math.round(took)} ms`;
      return { about, text, tone: "quiet", detail: true };
    }
    case "fault":
      return { about, text: `a fault of ours, ${event.instance}: ${describeFault(event.error)}`, tone: "bad" };
    case "trouble":
      return { about, text: event.text, tone: "bad" };
  }
}

function docsTips({ addresses: [address] }: { readonly addresses: readonly string[] }): string[] {
  return address === undefined ? [] : [`try: ${address}/docs`];
}

function describeFault(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function quietly(text: string): EventLine {
  return { about: "config-sync", text, tone: "quiet" };
}
