import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type https from "node:https";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { interrupted, startDeadline } from "./deadline.ts";
import { http } from "./node-http.ts";

export interface HttpRequest {
  readonly method: string;
  /** `http:`, `https:`, or `http+unix://%2Frun%2Fapp.sock/path` for a unix socket. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Buffer | undefined;
  /** Milliseconds, from the first byte of the connection to the last of the answer. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Takes any certificate: consoles on port 9090 make their own. */
  readonly insecureTls?: boolean | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first 64 KiB. */
  readonly body: string;
}

const bodyLimit = 64 * 1024;

/**
 * One request on a connection of its own, without cookies, Origin or Referer. Redirects are answers like any other: to follow
 * one could carry a password to another host. Throws UNREACHABLE, TIMED_OUT, or VALUE_INVALID for what cannot be sent.
 */
export async function request(wanted: HttpRequest): Promise<HttpAnswer> {
  using time = startDeadline(wanted.signal, wanted.timeout);
  const limit = time.signal;
  const shown = showUrl(wanted.url);
  const { secure, options } = target(wanted, limit);
  const transport = secure ? (await import("node:https")).default : http;
  try {
    const response = await send(transport, options, wanted.body);
    return { status: response.statusCode ?? 0, headers: response.headers, body: await readBody(response) };
  } catch (error) {
    if (limit.aborted) throw interrupted(`no answer from ${shown}`, limit, wanted.timeout);
    throw explain(error, shown);
  }
}

/** A URL for people: without user, password, query and fragment, where credentials are put. */
export function showUrl(text: string): string {
  if (!URL.canParse(text)) return "an invalid URL";
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${decode(host)}${pathname}`;
}

/** A password may hold a % that nobody escaped: then it stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function target({ method, url, headers, body, insecureTls }: HttpRequest, signal: AbortSignal) {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["http:", "https:", "http+unix:"].includes(parsed.protocol)) {
    throw new ConfigSyncError("VALUE_INVALID", "a URL begins with http://, https:// or http+unix:// and a host");
  }
  const { protocol, hostname, port, pathname, search, username, password } = parsed;
  const unix = protocol === "http+unix:";
  const auth = username === "" ? undefined : `${decode(username)}:${decode(password)}`;
  const options: https.RequestOptions = {
    method,
    path: `${pathname || "/"}${search}`,
    ...(unix ? { socketPath: decode(hostname) } : { hostname: hostname.replace(/^\[|\]$/g, ""), port }),
    ...(auth !== undefined && { auth }),
    headers: {
      Accept: "*/*",
      "User-Agent": "config-sync",
      ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
      ...headers,
      ...(unix && { Host: "localhost" }),
    },
    agent: false,
    rejectUnauthorized: insecureTls !== true,
    signal,
  };
  return { secure: protocol === "https:", options };
}

function send(transport: typeof http | typeof https, options: https.RequestOptions, body: string | Buffer | undefined) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    // A request can fail again after its answer began (the rest of an upload is refused): then that changes nothing any more.
    transport.request(options, resolve).on("error", reject).end(body);
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= bodyLimit) break;
  }
  return Buffer.concat(chunks).subarray(0, bodyLimit).toString();
}

function explain(error: unknown, shown: string): ConfigSyncError {
  const code = systemCode(error) ?? "";
  if (code.startsWith("ERR_INVALID") || code === "ERR_UNESCAPED_CHARACTERS") {
    const message = `the request to ${shown} holds a character that HTTP does not allow in a method, path or header`;
    return new ConfigSyncError("VALUE_INVALID", message);
  }
  const reasons: Record<string, string> = {
    ENOENT: "there is no such socket",
    ECONNREFUSED: "nobody listens there",
    ENOTFOUND: "no such host name",
    EAI_AGAIN: "the host name cannot be looked up",
    ECONNRESET: "the connection was cut",
  };
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  return new ConfigSyncError("UNREACHABLE", `${shown} cannot be reached: ${reason}`, {
    hint: certificate ? "For a certificate of its own making, set insecure_tls: true" : undefined,
    cause: error,
  });
}
