/** How the commands ask a daemon: HTTP requests by its control socket. */
import type { IncomingMessage } from "node:http";
import { asConfigSyncError, ConfigSyncError, systemCode } from "../errors.ts";
import { http } from "../platform/node-http.ts";
import { socketPath } from "../platform/unix-socket.ts";

export interface ApiCall {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** With its query: `/api/v1/settings?app=default`. */
  readonly url: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** How long the daemon may hold the answer, in milliseconds. */
  readonly held?: number;
  /** How long it may take to begin an answer that it has no reason to hold; ten seconds without. */
  readonly patience?: number | undefined;
  /** In the place of a time: ends the waiting. */
  readonly signal?: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  /** What the JSON of the answer says. */
  readonly body: unknown;
  /** The last event that belongs to what was done, where it was work. */
  readonly lastEvent?: string | undefined;
}

/** Whether somebody listens on the control socket. */
export async function isAnswered(path: string): Promise<boolean> {
  const answer = await openAnswer(path, { method: "GET", url: "/" });
  answer?.resume();
  return answer !== undefined;
}

/** Asks the daemon's HTTP API; undefined where no daemon runs. */
export async function callDaemon(path: string, call: ApiCall): Promise<ApiAnswer | undefined> {
  const answer = await openAnswer(path, call);
  return answer && readAnswer(answer, path);
}

/** Throws DAEMON_ABSENT for what is no JSON. */
export async function readAnswer(answer: IncomingMessage, path: string): Promise<ApiAnswer> {
  const { text } = await import("node:stream/consumers");
  try {
    const { "last-event-id": lastEvent } = answer.headers;
    const body: unknown = JSON.parse(await text(answer));
    return { status: answer.statusCode ?? 500, body, ...(typeof lastEvent === "string" && { lastEvent }) };
  } catch (error) {
    throw explain(error, path);
  }
}

/** The answer from its head on; undefined where nobody listens. */
export async function openAnswer(
  path: string,
  { method, url, body, held = 0, patience = 10_000, signal }: ApiCall,
): Promise<IncomingMessage | undefined> {
  try {
    await using address = await socketPath(path);
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const options = { socketPath: address.path, method, path: url, agent: false, headers, signal };
      const asked = http.request(options, (answer) => {
        asked.setTimeout(0);
        resolve(answer);
      });
      const giveUp = (): void => void asked.destroy(new ConfigSyncError("TIMED_OUT", "the daemon does not answer"));
      if (signal === undefined) asked.setTimeout(patience + held, giveUp);
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    if (code === "EACCES" || code === "EPERM") {
      const hint = "Run the command as the user that the daemon runs as";
      throw new ConfigSyncError("DAEMON_ABSENT", `no right to open ${path}`, { hint, cause: error });
    }
    throw explain(error, path);
  }
}

/** The other side ended while we were asking: before it read everything (EPIPE), or before it answered. */
export function isCutOff(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ECONNRESET" || code === "EPIPE";
}

function explain(error: unknown, path: string): ConfigSyncError {
  if (error instanceof ConfigSyncError) return error;
  if (isCutOff(error))
    return new ConfigSyncError("DAEMON_ABSENT", "the daemon ended before it answered", { cause: error });
  const hint = "If no daemon runs on this workspace, remove that file";
  const message = `what answers on ${path} is no daemon of ours: ${asConfigSyncError(error).message}`;
  return new ConfigSyncError("DAEMON_ABSENT", message, { hint, cause: error });
}
