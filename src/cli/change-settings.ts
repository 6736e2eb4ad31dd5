/** A change of the configuration from the command line, and what came of it. */
import type { Edit } from "../apps/change.ts";
import type { RevisionInfo } from "../history/history.ts";
import { describeEvent, type ShownChange } from "../sync/events.ts";
import type { ServiceStatus } from "../sync/status.ts";
import { askApi } from "./ask-api.ts";
import { type Call, exitCodes } from "./command.ts";

export interface Written {
  readonly revision: RevisionInfo;
  readonly changes: readonly ShownChange[];
  readonly health?: { readonly outcome: string; readonly services: readonly ServiceStatus[] };
}

/** Makes one revision of the edits. */
export async function changeSettings(call: Call, edits: readonly Edit[]): Promise<number> {
  const body: Record<string, Record<string, string | null> | null> = {};
  for (const { path, value } of edits) {
    const [section = "", key] = path;
    if (key === undefined) body[section] = null;
    else body[section] = { ...body[section], [key]: value ?? null };
  }
  const request = { method: "PUT", path: "/settings", ...waitingOf(call), body } as const;
  return printWritten(call, await askApi<Written>(call, request));
}

/** Brings a revision back, as a new one. */
export async function rollBack(call: Call, to: number, section: string | undefined): Promise<number> {
  const body = { to, ...(section === undefined ? {} : { section }) };
  const request = { method: "POST", path: "/settings/rollback", ...waitingOf(call), body } as const;
  return printWritten(call, await askApi<Written>(call, request));
}

/** How long the API holds an answer, in milliseconds. */
const longestWait = 60_000;

export function waitingOf({ options }: Call) {
  const message = typeof options.message === "string" ? options.message : undefined;
  if (options.wait !== true) return { query: { message } };
  return { query: { message, wait: "healthy", timeout: `${longestWait}ms` }, held: longestWait };
}

export async function printWritten({ json, print, style }: Call, written: Written): Promise<number> {
  const { revision, changes, health } = written;
  const isWell = health === undefined || health.outcome === "healthy";
  if (json) print(JSON.stringify(written, null, 2));
  else {
    print(changes.length > 0 ? describeEvent({ type: "revision", revision, changes }).text : "nothing is different");
    if (health !== undefined) {
      const { formatServices } = await import("./status-table.ts");
      print(`\n${style(isWell ? "green" : "red", health.outcome)}`);
      if (health.services.length > 0) print(formatServices(health.services, style));
    }
  }
  return isWell ? exitCodes.ok : exitCodes.error;
}
