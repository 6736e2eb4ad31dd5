import type { Secret } from "../config/secret.ts";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { interrupted, orAborted } from "./deadline.ts";

export interface SupervisordOptions {
  /** `unix:///var/run/supervisor.sock` or `http://127.0.0.1:9001`. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
}

/** One call: the method without its `supervisor.`, its parameters, the result as XML-RPC gives it. */
export type Call = (method: string, parameters: readonly Parameter[], signal: AbortSignal) => Promise<unknown>;

export type Parameter = string | number | boolean;

/** The fault codes of supervisord that change what we do. */
export const faults = {
  shutdown: 6,
  badName: 10,
  badSignal: 11,
  spawnError: 50,
  alreadyStarted: 60,
  notRunning: 70,
  alreadyAdded: 90,
  stillRunning: 91,
  cantReread: 92,
};

/**
 * A caller for supervisord's XML-RPC. A fault is thrown as it is, for `faultOf` and `refused`; everything else that can go
 * wrong is a ConfigSyncError: UNREACHABLE (nobody there, password refused) or TIMED_OUT.
 */
export function createCall(options: SupervisordOptions): Call {
  const address = addressOf(options.url);
  const headers = { Connection: "close", ...authorization(options) };
  return async (method, parameters, signal) => {
    const { default: xmlrpc } = await import("xmlrpc");
    try {
      signal.throwIfAborted();
      // Its options go to http.request as they are, which is how the signal gets there: so it takes a client a call.
      const client = xmlrpc.createClient({
        ...address,
        path: "/RPC2",
        headers: { ...headers },
        agent: false,
        signal,
      } as object);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      client.methodCall(`supervisor.${method}`, [...parameters], (error: unknown, value: unknown) =>
        error ? reject(error) : resolve(value),
      );
      return await orAborted(signal, promise);
    } catch (error) {
      if (faultOf(error) !== undefined && !signal.aborted) throw error;
      throw explain(error, options.url, signal);
    }
  };
}

export interface Fault {
  readonly code: number;
  /** `BAD_NAME: nope`, in supervisord's words. */
  readonly text: string;
}

export function faultOf(error: unknown): Fault | undefined {
  const { faultCode, faultString } = (error ?? {}) as { faultCode?: unknown; faultString?: unknown };
  return typeof faultCode === "number" ? { code: faultCode, text: String(faultString) } : undefined;
}

/** Whether supervisord itself was not there or did not answer: nothing is known of the program then. */
export function isOutOfReach({ code, cause }: ConfigSyncError): boolean {
  return code === "TIMED_OUT" || (code === "UNREACHABLE" && faultOf(cause) === undefined);
}

/** What a fault means where it was not expected. Foreign text: CANT_REREAD quotes the line of the file that it could not read. */
export function refused(error: unknown, program: string): ConfigSyncError {
  if (error instanceof ConfigSyncError) return error;
  const fault = faultOf(error);
  if (fault === undefined) throw error;
  if (fault.code === faults.badName) {
    return new ConfigSyncError("UNREACHABLE", `supervisord knows no program "${program}"`, {
      hint: "A program of a group, or with several processes, is written group:program",
      cause: error,
    });
  }
  if (fault.code === faults.shutdown) return new ConfigSyncError("UNREACHABLE", "supervisord is shutting down");
  if (fault.code === faults.cantReread) {
    return new ConfigSyncError("RELOAD_REFUSED", `supervisord cannot read its configuration: ${fault.text}`, {
      hint: "Nothing was changed: every program goes on as it was",
      retryable: false,
    });
  }
  return new ConfigSyncError("RELOAD_REFUSED", `supervisord refused: ${fault.text}`, {
    retryable: fault.code !== faults.badSignal,
  });
}

function addressOf(url: string): { socketPath: string } | { host: string; port: number } {
  if (url.startsWith("unix:///")) return { socketPath: url.slice("unix://".length) };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "http:")
    return { host: parsed.hostname.replace(/^\[|\]$/g, ""), port: Number(parsed.port || 80) };
  throw new ConfigSyncError("SETTINGS_INVALID", `the address "${url}" of supervisord is not understood`, {
    hint: "Write unix:///path/to/supervisor.sock or http://host:port",
  });
}

function authorization({ username, password }: SupervisordOptions): { Authorization?: string } {
  if (username === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${username}:${password?.reveal() ?? ""}`).toString("base64")}` };
}

function explain(error: unknown, url: string, signal: AbortSignal): ConfigSyncError {
  if (signal.aborted) return interrupted(`supervisord at ${url} did not answer`, signal);
  const status = (error as { res?: { statusCode?: number } } | null)?.res?.statusCode;
  if (status === 401) {
    return new ConfigSyncError("UNREACHABLE", `supervisord at ${url} refuses the user name or password`, {
      hint: "Give supervisord.username and supervisord.password as its own file has them",
      retryable: false,
    });
  }
  if (status !== undefined && status !== 200) {
    return new ConfigSyncError(
      "UNREACHABLE",
      `what answers at ${url} (status ${status}) does not speak supervisord's XML-RPC`,
      {
        hint: "supervisord needs a section [rpcinterface:supervisor]",
      },
    );
  }
  return noConnection(error, url);
}

function noConnection(error: unknown, url: string): ConfigSyncError {
  const code = systemCode(error);
  if (code === "EACCES" || code === "EPERM") {
    return new ConfigSyncError("UNREACHABLE", `no right to use supervisord at ${url}`, {
      hint: "Run as the socket's owner, or set chmod and chown in [unix_http_server]",
    });
  }
  const reasons: Record<string, string> = { ENOENT: "there is no such socket", ECONNREFUSED: "nobody listens there" };
  const reason = reasons[code ?? ""] ?? (error instanceof Error ? error.message : String(error));
  return new ConfigSyncError("UNREACHABLE", `supervisord cannot be reached at ${url}: ${reason}`, {
    hint: "Check that supervisord runs and that its socket is where the settings say",
  });
}
