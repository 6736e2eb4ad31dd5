import type { Daemon } from "../daemon.ts";
import { describeEvent, type Emit, type SyncEvent, type Tone } from "../sync/events.ts";
import type { ServiceStatus, StatusReport } from "../sync/status.ts";
import { type Call, exitCodes } from "./command.ts";
import { findSocket, findStatus } from "./find-status.ts";
import { formatProblems, formatServices } from "./status-table.ts";
import type { Style } from "./terminal.ts";

/** A piece of work of the engine that a person watches: where the daemon does it, and how it is done without one. */
export interface Follow {
  readonly route: string;
  /** The one service that it is about; all of them without. */
  readonly service?: string;
  readonly work: (daemon: Daemon, emit: Emit) => Promise<void>;
}

/** Has the work done, by the daemon or here, shows the progress and then where the services stand. */
export async function followWork(call: Call, { route, service, work }: Follow): Promise<number> {
  const { askDaemon } = await import("../api/control-client.ts");
  let events = 0;
  const printed = printEvent(call);
  const show: Emit = (event) => {
    events++;
    printed(event);
  };
  const answer = await askDaemon(await findSocket(call.workspace), "POST", route);
  let report: StatusReport;
  if (answer === undefined) report = await workAlone(call.workspace, { service, work, emit: show });
  else {
    for await (const event of answer) show(event as SyncEvent);
    report = await findStatus(call.workspace);
  }
  const services = report.services.filter(({ name }) => service === undefined || name === service);
  if (!call.json && events > 0) call.print("");
  printOutcome(call, { ...report, services });
  return isWell({ ...report, services }) ? exitCodes.ok : exitCodes.error;
}

interface Alone extends Pick<Follow, "work"> {
  readonly service: string | undefined;
  readonly emit: Emit;
}

async function workAlone(folder: string, { service, work, emit }: Alone): Promise<StatusReport> {
  const { requireService, startDaemon } = await import("../daemon.ts");
  const { openWorkspace } = await import("../workspace.ts");
  const workspace = await openWorkspace(folder);
  if (service !== undefined) requireService(workspace, service);
  const daemon = await startDaemon(workspace, { emit, watch: false });
  try {
    await work(daemon, () => undefined);
    return await daemon.status();
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
