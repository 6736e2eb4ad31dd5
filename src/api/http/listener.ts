/** An address that is listened on: TCP, with or without TLS, or a unix socket. */
import { chmod, lstat, unlink } from "node:fs/promises";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { ConfigSyncError, systemCode } from "../../errors.ts";
import { http } from "../../platform/node-http.ts";
import { socketPath } from "../../platform/unix-socket.ts";
import { followCertificate, readCertificate } from "./certificate.ts";
import type { Limits, Listener, TlsFiles } from "./parts.ts";
import { describe, problemType } from "./problem.ts";
import { asksForSocket, routeUpgrade } from "./ws-upgrade.ts";

export interface Listening {
  /** `https://127.0.0.1:9100`, or the path of the socket. */
  readonly address: string;
  /** Takes no more connections, ends those that are idle, the busy ones when they become so, and at the deadline all. */
  readonly close: (deadline: Promise<void>) => Promise<void>;
  /** Reads the certificate again, where there is one. */
  readonly renew: () => Promise<void>;
}

export interface ListenOptions {
  readonly limits: Limits;
  readonly onTrouble: (text: string) => void;
}

/** Throws SETTINGS_INVALID for an address that cannot be had. */
export async function listen(listener: Listener, answer: RequestListener, options: ListenOptions): Promise<Listening> {
  if ("socket" in listener) return listenOnSocket(listener.socket, answer, options);
  const { host, port, tls } = listener;
  const { server, renew, stop } = tls === undefined ? plain(answer, options) : await secured(tls, answer, options);
  try {
    await begin(server, { host, port }, `${host}:${port}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const { address, family, port: taken } = server.address() as AddressInfo;
  const shown = family === "IPv6" ? `[${address}]` : address;
  return {
    address: `${tls === undefined ? "http" : "https"}://${shown}:${taken}`,
    renew,
    close: async (deadline) => {
      await stop();
      await end(server, deadline);
    },
  };
}

interface Made {
  readonly server: Server;
  readonly renew: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

function plain(answer: RequestListener, { limits }: ListenOptions): Made {
  const server = limited(http.createServer(optionsOf(limits), answer), answer, limits);
  return { server, renew: async () => undefined, stop: async () => undefined };
}

async function secured(files: TlsFiles, answer: RequestListener, { limits, onTrouble }: ListenOptions): Promise<Made> {
  const pem = await readCertificate(files);
  const { createServer } = await import("node:https");
  const server = createServer({ ...pem, ...optionsOf(limits), minVersion: "TLSv1.2" }, answer);
  const renewal = await followCertificate(files, (renewed) => server.setSecureContext(renewed), onTrouble);
  return { server: limited(server, answer, limits), ...renewal };
}

async function listenOnSocket(path: string, answer: RequestListener, { limits }: ListenOptions): Promise<Listening> {
  const server = limited(http.createServer(optionsOf(limits), answer), answer, limits);
  const short = await socketPath(path);
  try {
    // Left behind by a daemon that was killed: the lock on the workspace says that there is no other.
    if ((await lstat(short.path).catch(() => undefined))?.isSocket()) await unlink(short.path);
    await begin(server, { path: short.path }, path);
    await chmod(short.path, 0o600);
  } catch (error) {
    await short[Symbol.asyncDispose]();
    throw error;
  }
  return {
    address: path,
    renew: async () => undefined,
    close: async (deadline) => {
      await end(server, deadline);
      await short[Symbol.asyncDispose]();
    },
  };
}

/** Milliseconds. A connection that is idle for longer than a proxy keeps it would be cut just when it is used. */
const keepAlive = 72_000;

function optionsOf({ headers, requestTime }: Limits) {
  return {
    maxHeaderSize: headers,
    requestTimeout: requestTime,
    headersTimeout: Math.min(10_000, requestTime),
    keepAliveTimeout: keepAlive,
    connectionsCheckingInterval: 1000,
    shouldUpgradeCallback: asksForSocket,
  };
}

function limited(server: Server, answer: RequestListener, { connections }: Limits): Server {
  server.maxConnections = connections;
  server.on("clientError", refuse);
  server.on("upgrade", (request, socket, head) => routeUpgrade(request, socket, head, answer));
  return server;
}

/** What is no request that a route could answer: the connection is of no more use after it. */
function refuse(error: Error, socket: Duplex): void {
  if (!socket.writable || systemCode(error) === "ECONNRESET") return void socket.destroy();
  const [status, reason, code, detail] = reasons[systemCode(error) ?? ""] ?? malformed;
  const body = JSON.stringify(describe(new ConfigSyncError(code, detail), { status }));
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    `content-type: ${problemType}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

const malformed = [400, "Bad Request", "REQUEST_INVALID", "this is no HTTP request"] as const;
const reasons: Readonly<
  Record<string, readonly [number, string, "REQUEST_INVALID" | "TOO_LARGE" | "TIMED_OUT", string]>
> = {
  HPE_HEADER_OVERFLOW: [
    431,
    "Request Header Fields Too Large",
    "TOO_LARGE",
    "the headers are larger than what is taken",
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout", "TIMED_OUT", "the request did not come whole in time"],
};

function begin(server: Server, where: { host: string; port: number } | { path: string }, shown: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const why = causes[systemCode(cause) ?? ""] ?? cause.message;
      reject(
        new ConfigSyncError("SETTINGS_INVALID", `the API cannot listen on ${shown}: ${why}`, {
          hint: "Name another one (api.listen, or --port of config-sync server), or end what has it",
          cause,
        }),
      );
    });
    server.listen(where, resolve);
  });
}

const causes: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has it",
  EACCES: "the daemon's user may not",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "there is no such host",
};

/** A kept-alive connection is idle only after its answer: those are looked for again and again. */
async function end(server: Server, deadline: Promise<void>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  void deadline.then(() => server.closeAllConnections());
  await closed;
  clearInterval(idle);
}
