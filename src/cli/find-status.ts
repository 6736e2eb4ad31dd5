import { resolve } from "node:path";
import { askDaemon } from "../api/control-client.ts";
import { controlSocket } from "../daemon.ts";
import { readTextFile } from "../platform/read-text.ts";
import { loadSettings, settingsFile } from "../settings.ts";
import { inOrder } from "../sync/order.ts";
import { reportStatus, type StatusReport } from "../sync/status.ts";
import { inspectWorkspace, survey } from "./inspect.ts";

/** Where everything stands: asked of the daemon, or worked out from the files where there is none. */
export async function findStatus(folder: string): Promise<StatusReport> {
  return (await askStatus(folder)) ?? readStatus(folder);
}

/** The daemon's own answer; undefined where none runs. */
export async function askStatus(folder: string): Promise<StatusReport | undefined> {
  const answer = await askDaemon(await findSocket(folder), "GET", "/status");
  for await (const report of answer ?? []) return report as StatusReport;
  return undefined;
}

/**
 * Where the daemon of a workspace listens. Also by settings that cannot be used: a daemon goes on while they are being edited, and
 * its status is what says so.
 */
export async function findSocket(folder: string): Promise<string> {
  try {
    return controlSocket(loadSettings(folder).state);
  } catch {
    return controlSocket(resolve(folder, (await guessState(folder)) ?? "state"));
  }
}

async function guessState(folder: string): Promise<string | undefined> {
  try {
    const { parseDocument } = await import("yaml");
    const state: unknown = parseDocument(readTextFile(resolve(folder, settingsFile))).get("state");
    return typeof state === "string" ? state : undefined;
  } catch {
    // Nothing to go by; whoever looks for the settings next says why.
    return undefined;
  }
}

async function readStatus(folder: string): Promise<StatusReport> {
  const inspection = await inspectWorkspace(folder);
  const { ledger, problems, workspace } = inspection;
  const names = inOrder(workspace.services);
  const surveyed = await survey(inspection);
  return reportStatus({ daemon: null, names, ledger, problems, surveyed, running: new Set() });
}
