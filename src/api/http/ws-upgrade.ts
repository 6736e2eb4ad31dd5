/**
 * From a request that asks for a WebSocket to the socket. The request goes the way of all others, so that it is counted, let in and
 * refused as they are, and its route accepts it or answers. The library is loaded for the first one only: it takes 10 MiB.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { ConfigSyncError } from "../../errors.ts";
import { http } from "../../platform/node-http.ts";

/** For the option of a server (Node.js 24.9): whatever else asks for another protocol, as `curl --http2`, is answered without it. */
export function asksForSocket({ url, headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket" && url?.startsWith("/ws/") === true;
}

interface Waiting {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly response: InstanceType<typeof http.ServerResponse>;
}

const waiting = new WeakMap<IncomingMessage, Waiting>();

/** For the event `upgrade` of a server: the parser has let go of the connection. */
export function routeUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, route: RequestListener): void {
  const response = new http.ServerResponse(request);
  response.shouldKeepAlive = false;
  // A connection of a server is one of these, with TLS too.
  response.assignSocket(socket as Parameters<typeof response.assignSocket>[0]);
  response.once("finish", () => socket.end(() => socket.destroy()));
  socket.on("error", () => socket.destroy());
  takeBearer(request.headers);
  waiting.set(request, { socket, head, response });
  route(request, response);
}

/** What a browser can send beside the address is a list of sub-protocols: this one is what the server answers with. */
const protocol = "config-sync";

/** `config-sync, bearer.TOKEN` becomes `Authorization: Bearer TOKEN`: from here on nobody else knows of the other way. */
function takeBearer(headers: IncomingMessage["headers"]): void {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
  const shown = offered.find((one) => one.startsWith("bearer."))?.slice("bearer.".length);
  // Instead of what a browser says to a proxy by itself.
  if (shown !== undefined) headers.authorization = `Bearer ${shown}`;
  if (offered.includes(protocol)) headers["sec-websocket-protocol"] = protocol;
  else delete headers["sec-websocket-protocol"];
}

/** Whether a socket can come of it. Throws REQUEST_INVALID for a handshake that is none (RFC 6455, 4.2.1). */
export function isUpgrade(request: IncomingMessage): boolean {
  const { "sec-websocket-version": version, "sec-websocket-key": key = "" } = request.headers;
  if (!waiting.has(request) || version !== "13") return false;
  if (/^[+/0-9A-Za-z]{22}==$/.test(key)) return true;
  throw new ConfigSyncError("REQUEST_INVALID", "Sec-WebSocket-Key is not 16 bytes in Base64");
}

/** Calls `open` at once, or never where the one who asked is gone. */
export type Accept = (request: IncomingMessage, open: (socket: WebSocket) => void) => void;

let accepting: Promise<Accept> | undefined;

export function loadAccept(): Promise<Accept> {
  accepting ??= createAccept();
  return accepting;
}

/** Bytes of a message; none is taken anyhow. */
const maxPayload = 1024;

/** Milliseconds that the other side has to close, too, and to take what was sent before. */
const closeTimeout = 1000;

async function createAccept(): Promise<Accept> {
  const { WebSocketServer } = await import("ws");
  const options = { noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload, closeTimeout };
  const server = new WebSocketServer(options);
  return (request, open) => {
    const found = waiting.get(request);
    if (found === undefined) return;
    const { socket, head, response } = found;
    response.detachSocket(socket as Parameters<typeof response.detachSocket>[0]);
    server.handleUpgrade(request, socket, head, open);
  };
}
