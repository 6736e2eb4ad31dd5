import { askDaemon } from "../api/control-client.ts";
import { controlSocket } from "../daemon.ts";
import { inOrder } from "../sync/order.ts";
import { reportStatus, type StatusReport } from "../sync/status.ts";
import type { Workspace } from "../workspace.ts";
import { inspectWorkspace, survey } from "./inspect.ts";

/** Where everything stands: asked of the daemon, or worked out from the files where there is none. */
export async function findStatus(workspace: Workspace): Promise<StatusReport> {
  return (await askStatus(workspace.settings.state)) ?? readStatus(workspace);
}

/** The daemon's own answer; undefined where none runs. */
export async function askStatus(state: string): Promise<StatusReport | undefined> {
  const answer = await askDaemon(controlSocket(state), "GET", "/status");
  for await (const report of answer ?? []) return report as StatusReport;
  return undefined;
}

async function readStatus({ settings }: Workspace): Promise<StatusReport> {
  const inspection = await inspectWorkspace(settings.folder);
  const { ledger, problems, workspace } = inspection;
  const names = inOrder(workspace.services);
  const surveyed = await survey(inspection);
  return reportStatus({ daemon: null, names, ledger, problems, surveyed, running: new Set() });
}
