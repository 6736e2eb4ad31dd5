import { ConfigSyncError, systemCode } from "../errors.ts";
import { interrupted } from "./deadline.ts";

export interface DockerCall {
  readonly host: string;
  readonly signal: AbortSignal;
  readonly container: string | undefined;
}

/** The HTTP status in an error of dockerode; undefined where no answer came at all. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

const forbidden = 403;

/** Whether a socket proxy does not let this call through: another call may get through. */
export function isForbidden(error: unknown): boolean {
  return statusOf(error instanceof Error ? error.cause : undefined) === forbidden;
}

/** Whether Docker itself was not there or did not answer: nothing is known of the container then. */
export function isOutOfReach({ code, cause }: ConfigSyncError): boolean {
  return code === "TIMED_OUT" || (code === "UNREACHABLE" && statusOf(cause) === undefined);
}

/** What a failed call to the Docker Engine means, and what a person can do about it. */
export function explainDocker(error: unknown, { host, signal, container }: DockerCall): ConfigSyncError {
  if (error instanceof ConfigSyncError) return error;
  if (signal.aborted) return interrupted(`Docker at ${host} did not answer`, signal);
  const status = statusOf(error);
  if (status === undefined) return noConnection(error, host);
  if (status === 404 && container !== undefined) {
    return new ConfigSyncError("UNREACHABLE", `there is no container named "${container}"`, { cause: error });
  }
  if (status === forbidden) {
    return new ConfigSyncError("RELOAD_REFUSED", `Docker at ${host} forbids this call`, {
      hint: "A socket proxy needs POST=1 and ALLOW_RESTARTS=1, for exec CONTAINERS=1 and EXEC=1",
      retryable: false,
      cause: error,
    });
  }
  const message = daemonMessage(error);
  return new ConfigSyncError("RELOAD_REFUSED", `Docker refused: ${message}`, {
    retryable: status !== 400 || message.includes("client version"),
    cause: error,
  });
}

function noConnection(error: unknown, host: string): ConfigSyncError {
  const code = systemCode(error);
  if (code === "EACCES" || code === "EPERM") {
    return new ConfigSyncError("UNREACHABLE", `no right to use Docker at ${host}`, {
      hint: "Run as root or in the group docker; in a container, mount the socket and give the container its group",
      cause: error,
    });
  }
  const reasons: Record<string, string> = {
    ENOENT: "there is no such socket",
    ECONNREFUSED: "nobody listens there",
    ECONNRESET: "the connection was cut in the middle of a call",
  };
  const reason = reasons[code ?? ""] ?? (error instanceof Error ? error.message : String(error));
  return new ConfigSyncError("UNREACHABLE", `Docker cannot be reached at ${host}: ${reason}`, {
    hint: "Check that dockerd runs, and in a container that the socket is mounted",
    cause: error,
  });
}

function daemonMessage(error: unknown): string {
  const { json, message } = error as { json?: { message?: unknown }; message: string };
  return typeof json?.message === "string" ? json.message : message;
}
