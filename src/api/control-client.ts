import type { IncomingMessage } from "node:http";
import { asConfigSyncError, ConfigSyncError, type ErrorCode, systemCode } from "../errors.ts";
import { http } from "../platform/node-http.ts";
import { socketPath } from "../platform/unix-socket.ts";

/** How long the daemon may take to begin an answer, in milliseconds. */
const patience = 10_000;

/** Whether somebody listens on the control socket. */
export async function isAnswered(path: string): Promise<boolean> {
  const answer = await ask(path, "GET", "/");
  answer?.resume();
  return answer !== undefined;
}

/**
 * The JSON lines of the daemon's answer as they come; undefined where no daemon runs. Throws the daemon's error as one of ours.
 */
export async function askDaemon(
  path: string,
  method: "GET" | "POST",
  route: string,
): Promise<AsyncIterable<unknown> | undefined> {
  const answer = await ask(path, method, route);
  return answer === undefined ? undefined : readLines(answer, path);
}

export interface ApiCall {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** With its query: `/api/v1/settings?app=default`. */
  readonly url: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** What the JSON of the answer says. */
  readonly body: unknown;
}

/** Asks the daemon's HTTP API by the control socket; undefined where no daemon runs. It may hold the answer for long. */
export async function callDaemon(path: string, { method, url, body }: ApiCall): Promise<ApiAnswer | undefined> {
  const answer = await ask(path, method, url, body === undefined ? undefined : JSON.stringify(body));
  if (answer === undefined) return undefined;
  const { text } = await import("node:stream/consumers");
  const told = readLine(await text(answer), path);
  if (told.error !== undefined) throw revive(told.error);
  return { status: answer.statusCode ?? 500, body: told };
}

async function* readLines(answer: IncomingMessage, path: string): AsyncIterable<unknown> {
  try {
    const { createInterface } = await import("node:readline");
    for await (const line of createInterface({ input: answer })) {
      const value = readLine(line, path);
      if (value.error === undefined) yield value;
      else throw revive(value.error);
    }
  } catch (error) {
    if (systemCode(error) !== "ECONNRESET") throw error;
  }
  if (!answer.complete) throw new ConfigSyncError("DAEMON_ABSENT", "the daemon ended in the middle of its answer");
}

function readLine(line: string, path: string): { readonly error?: Record<string, unknown> } {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw explain(error, path);
  }
}

function revive(error: Record<string, unknown>): ConfigSyncError {
  const text = (name: string): string | undefined => (typeof error[name] === "string" ? error[name] : undefined);
  const details = { hint: text("hint"), key: text("key"), place: { file: text("file") } };
  return new ConfigSyncError((text("code") ?? "INTERNAL") as ErrorCode, text("message") ?? "unknown error", details);
}

/** Undefined where nobody listens. */
async function ask(path: string, method: string, route: string, body?: string): Promise<IncomingMessage | undefined> {
  try {
    await using address = await socketPath(path);
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const options = { socketPath: address.path, method, path: route, agent: false, headers };
      const asked = http.request(options, (answer) => {
        asked.setTimeout(0);
        resolve(answer);
      });
      asked.setTimeout(patience, () => asked.destroy(new ConfigSyncError("TIMED_OUT", "the daemon does not answer")));
      asked.once("error", reject);
      asked.end(body);
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

function explain(error: unknown, path: string): ConfigSyncError {
  if (error instanceof ConfigSyncError) return error;
  if (systemCode(error) === "ECONNRESET")
    return new ConfigSyncError("DAEMON_ABSENT", "the daemon ended before it answered", { cause: error });
  const hint = "If no daemon runs on this workspace, remove that file";
  const message = `what answers on ${path} is no daemon of ours: ${asConfigSyncError(error).message}`;
  return new ConfigSyncError("DAEMON_ABSENT", message, { hint, cause: error });
}
