/** How `env` changes the environment of services: one variable or mapping, one revision. */
import { ConfigSyncError } from "../errors.ts";
import { askApi } from "./ask-api.ts";
import { printWritten, type Written, waitingOf } from "./change-settings.ts";
import type { Call } from "./command.ts";
import { largestValue, readStdin } from "./read-stdin.ts";

export async function setVariable(call: Call): Promise<number> {
  const given = call.argument ?? "";
  if (call.options.stdin !== true) {
    const { name, value } = split(given, "Write NAME=VALUE, or NAME alone with --stdin");
    return changeEnvironment(call, "environment", name, { value });
  }
  if (given.includes("=")) throw new ConfigSyncError("USAGE", "--stdin wants a name and no value beside it");
  return changeEnvironment(call, "environment", given, { value: await readStdin("value", largestValue) });
}

export async function mapVariable(call: Call): Promise<number> {
  const { name, value } = split(call.argument ?? "", "Write NAME=SECTION.KEY");
  return changeEnvironment(call, "mappings", name, { from: value });
}

/** Without a body it goes. */
export async function changeEnvironment(
  call: Call,
  room: "environment" | "mappings",
  name: string,
  body?: Readonly<Record<string, string>>,
): Promise<number> {
  const { service } = call.options;
  const waiting = waitingOf(call);
  const query = { ...waiting.query, service: typeof service === "string" ? service : undefined };
  const path = `/${room}/${encodeURIComponent(name)}`;
  const method = body === undefined ? "DELETE" : "PUT";
  const request = { ...waiting, method, path, query, body } as const;
  return printWritten(call, await askApi<Written>(call, request));
}

function split(assignment: string, hint: string): { name: string; value: string } {
  const at = assignment.indexOf("=");
  if (at < 0) throw new ConfigSyncError("USAGE", "the assignment has no value", { hint });
  return { name: assignment.slice(0, at), value: assignment.slice(at + 1) };
}
