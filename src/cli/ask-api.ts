/** The commands that read and change the configuration speak to the API: the daemon's, or without one that of this process. */
import type { ApiAnswer, ApiCall } from "../api/control-client.ts";
import { asConfigSyncError, ConfigSyncError, type ErrorCode, systemCode } from "../errors.ts";
import type { Call } from "./command.ts";

export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** The answer's body. Throws the problem that it tells as an error of ours. */
export async function askApi<T>(call: Pick<Call, "workspace">, request: ApiRequest): Promise<T> {
  const { callDaemon } = await import("../api/control-client.ts");
  const { controlSocket } = await import("../daemon.ts");
  const { loadSettings } = await import("../settings.ts");
  const { systemClock } = await import("../platform/clock.ts");
  const { state } = loadSettings(call.workspace);
  const asked = { method: request.method, url: urlOf(request), body: request.body };
  const end = systemClock.now() + patience;
  for (;;) {
    try {
      const answer = (await callDaemon(controlSocket(state), asked)) ?? (await askHere(call.workspace, asked));
      if (answer.status < 400) return answer.body as T;
      throw asError(answer.body);
    } catch (error) {
      if (!isBetweenTwo(error) || systemClock.now() > end) throw error;
      await systemClock.sleep(pause);
    }
  }
}

/** Milliseconds. */
const patience = 5000;
const pause = 50;

/**
 * Another command has the workspace to itself for a moment, or just gave it free: then its socket ends. Asking again does no harm,
 * because each of these requests leads to the same values however often it is made.
 */
function isBetweenTwo(thrown: unknown): boolean {
  const { code, cause } = asConfigSyncError(thrown);
  return code === "DAEMON_RUNNING" || (code === "DAEMON_ABSENT" && systemCode(cause) === "ECONNRESET");
}

async function askHere(folder: string, asked: ApiCall): Promise<ApiAnswer> {
  const { answerOffline } = await import("../daemon/offline.ts");
  const { openWorkspace } = await import("../workspace.ts");
  return answerOffline(await openWorkspace(folder), asked);
}

function urlOf({ path, query = {} }: ApiRequest): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, value);
  return `/api/v1${path}${given.size === 0 ? "" : `?${given}`}`;
}

/** RFC 9457, with the fields of our errors. */
function asError(problem: unknown): ConfigSyncError {
  const told = (problem ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string): string | undefined => (typeof told[name] === "string" ? told[name] : undefined);
  const number = (name: string): number | undefined => (typeof told[name] === "number" ? told[name] : undefined);
  return new ConfigSyncError((text("code") ?? "INTERNAL") as ErrorCode, text("detail") ?? "unknown error", {
    hint: text("hint"),
    key: text("key"),
    place: { file: text("file"), line: number("line"), column: number("column") },
  });
}
