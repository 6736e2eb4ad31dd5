/** The commands speak to the API: the daemon's, or without one that of this process. */
import { type ApiAnswer, type ApiCall, callDaemon, isCutOff } from "../api/control-client.ts";
import { controlSocket } from "../daemon/control-socket.ts";
import { asConfigSyncError, ConfigSyncError, type ErrorCode } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { findState } from "../settings/state-folder.ts";
import type { Call } from "./command.ts";
import { refuseOtherOwner } from "./refuse-other-owner.ts";

export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** How long the answer may be held, in milliseconds. */
  readonly held?: number;
  /** How long whoever is asked may take to begin, in milliseconds; ten seconds without. */
  readonly patience?: number;
}

/** The answer's body. Throws the problem that it tells as an error of ours. */
export function askApi<T>({ workspace }: Pick<Call, "workspace">, request: ApiRequest): Promise<T> {
  return untilFree(async () => bodyOf<T>((await callIt(workspace, request)) ?? (await askHere(workspace, request))));
}

/** The same of a daemon; undefined where none runs. */
export async function askDaemon<T>(workspace: string, request: ApiRequest): Promise<T | undefined> {
  const answer = await callIt(workspace, request);
  return answer && bodyOf<T>(answer);
}

/** Where the daemon of a workspace listens: also by settings that cannot be used, since it goes on while they are being edited. */
export async function findSocket(workspace: string): Promise<string> {
  return controlSocket(await findState(workspace));
}

async function callIt(workspace: string, request: ApiRequest): Promise<ApiAnswer | undefined> {
  return callDaemon(await findSocket(workspace), callOf(request));
}

async function askHere(folder: string, request: ApiRequest): Promise<ApiAnswer> {
  const { answerOffline, looksOnly } = await import("../daemon/offline.ts");
  const { openWorkspace } = await import("../workspace.ts");
  const workspace = await openWorkspace(folder);
  const call = callOf(request);
  if (!looksOnly(call)) refuseOtherOwner([workspace.ledgerFile, workspace.settings.state]);
  return answerOffline(workspace, call);
}

export function callOf({ method, path, query = {}, body, held, patience }: ApiRequest): ApiCall {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, value);
  const url = `/api/v1${path}${given.size === 0 ? "" : `?${given}`}`;
  return { method, url, body, patience, ...(held !== undefined && { held }) };
}

/** Milliseconds: many a command's time, also on a machine that is busy with other things. */
const patience = 30_000;
const pause = 50;

/** Tries again while another command has the workspace to itself. */
export async function untilFree<T>(work: () => Promise<T>): Promise<T> {
  const end = systemClock.now() + patience;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBetweenTwo(error) || systemClock.now() > end) throw error;
      await systemClock.sleep(pause);
    }
  }
}

/**
 * Another command has the workspace to itself for a moment, or just gave it free: then its socket ends. Asking again does no harm,
 * because each of these requests leads to the same values however often it is made.
 */
function isBetweenTwo(thrown: unknown): boolean {
  const { code, cause } = asConfigSyncError(thrown);
  return code === "DAEMON_RUNNING" || (code === "DAEMON_ABSENT" && isCutOff(cause));
}

/** Throws the problem that an answer is: RFC 9457, with the fields of our errors. */
export function bodyOf<T>({ status, body }: ApiAnswer): T {
  if (status < 400) return body as T;
  const told = (body ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string): string | undefined => (typeof told[name] === "string" ? told[name] : undefined);
  const number = (name: string): number | undefined => (typeof told[name] === "number" ? told[name] : undefined);
  throw new ConfigSyncError((text("code") ?? "INTERNAL") as ErrorCode, text("detail") ?? "unknown error", {
    hint: text("hint"),
    key: text("key"),
    place: { file: text("file"), line: number("line"), column: number("column") },
  });
}
