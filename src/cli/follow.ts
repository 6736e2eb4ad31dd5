import { watchWork } from "../api/watched-work.ts";
import { describeEvent, type Emit, type Tone } from "../sync/events.ts";
import type { ServiceStatus, StatusReport } from "../sync/status.ts";
import { type ApiRequest, askApi, askDaemon, bodyOf, callOf, findSocket, untilFree } from "./ask-api.ts";
import { type Call, exitCodes } from "./command.ts";
import { refuseOtherOwner } from "./refuse-other-owner.ts";
import { formatProblems, formatServices } from "./status-table.ts";
import type { Style } from "./terminal.ts";

/** A piece of work of the engine that a person watches. */
export interface Follow {
  /** Of the route that does it, below `/api/v1`. */
  readonly path: string;
  /** The one service that it is about; all of them without. */
  readonly service?: string;
}

/** Has the work done, by the daemon or by one that this process is for so long; shows the progress and where the services stand then. */
export async function followWork(call: Call, { path, service }: Follow): Promise<number> {
  let events = 0;
  const printed = printEvent(call);
  const show: Emit = (event) => {
    events++;
    printed(event);
  };
  const request: ApiRequest = { method: "POST", path, query: { timeout: `${longest}ms` }, held: longest };
  const report = await untilFree(async () => {
    const answer = await watchWork(await findSocket(call.workspace), callOf(request), show);
    if (answer === undefined) return workAlone(call.workspace, { request, service, emit: show });
    bodyOf(answer);
    return askApi<StatusReport>(call, whatStands);
  });
  const services = report.services.filter(({ name }) => service === undefined || name === service);
  if (!call.json && events > 0) call.print("");
  printOutcome(call, { ...report, services });
  return isWell({ ...report, services }) ? exitCodes.ok : exitCodes.error;
}

/** Milliseconds: a day, for as long as it takes. What is tried again later does not hold the answer up. */
const longest = 86_400_000;

const whatStands: ApiRequest = { method: "GET", path: "/status" };

interface Alone {
  readonly request: ApiRequest;
  readonly service: string | undefined;
  readonly emit: Emit;
}

/** Asks the daemon that it starts as everybody else would: the same answers, on the same record. */
async function workAlone(folder: string, { request, service, emit }: Alone): Promise<StatusReport> {
  const { requireService, startDaemon } = await import("../daemon.ts");
  const { ConfigSyncError } = await import("../errors.ts");
  const { openWorkspace } = await import("../workspace.ts");
  const workspace = await openWorkspace(folder);
  refuseOtherOwner([workspace.ledgerFile, workspace.settings.state]);
  // Before every other service is looked after.
  if (service !== undefined) requireService(workspace, service);
  const daemon = await startDaemon(workspace, { emit, watch: false });
  try {
    await askDaemon(folder, request);
    const report = await askDaemon<StatusReport>(folder, whatStands);
    if (report === undefined) throw new ConfigSyncError("DAEMON_ABSENT", "the control socket was removed meanwhile");
    return report;
  } finally {
    await daemon.stop();
  }
}

const styles: Readonly<Record<Tone, Style>> = { good: "green", bad: "red", busy: "cyan", quiet: "gray" };

function printEvent({ json, print, style }: Call): Emit {
  return (event) => {
    if (json) return print(JSON.stringify(event));
    const { about, text, tone } = describeEvent(event);
    print(`${style("bold", about.padEnd(14))} ${style(styles[tone], text.replaceAll("\n", `\n${" ".repeat(15)}`))}`);
  };
}

function printOutcome({ json, print, style }: Call, report: StatusReport): void {
  if (json) print(JSON.stringify({ type: "status", ...report }));
  else for (const line of [...formatProblems(report, style), formatServices(report.services, style)]) print(line);
}

function isWell({ problems, services }: StatusReport): boolean {
  return (
    problems.length === 0 &&
    services.every((service: ServiceStatus) => service.state === "healthy" || service.state === "absent")
  );
}
