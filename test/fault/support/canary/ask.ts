/** Requests to the API, by the control socket or the network; everything that is answered is evidence. */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { buffer } from "node:stream/consumers";
import { WebSocket } from "ws";
import type { Evidence } from "./evidence.ts";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON where it is no text. */
  readonly body?: unknown;
  /** The answer is one that secrets belong in. */
  readonly reveals?: boolean;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

export type Ask = (asked: Asked) => Promise<Answered>;

export function createAsk(evidence: Evidence, where: { socketPath: string } | { port: number }): Ask {
  return async ({ method, url, headers = {}, body, reveals = false }) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const type =
      text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const request = http.request({
      ...where,
      host: "127.0.0.1",
      method,
      path: url,
      agent: false,
      headers: { ...type, ...headers },
    });
    request.end(text);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const answer = await buffer(response);
    const head = JSON.stringify(response.rawHeaders);
    if (!reveals)
      evidence.note(`answer of ${method} ${url.replace(/\?.*/, "")}`, `${response.statusCode} ${head}\n${answer}`);
    return { status: response.statusCode ?? 0, text: answer.toString() };
  };
}

/** The events, and what is told of two apps by WebSocket, go on into the evidence until the server ends. */
export async function listen(evidence: Evidence, socketPath: string): Promise<() => void> {
  const request = http.request({ socketPath, path: "/api/v1/events", agent: false });
  request.on("error", () => undefined).end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.on("data", (chunk: Buffer) => evidence.note("events", chunk)).on("error", () => undefined);
  const sockets = ["default", "shop"].map((app) => {
    const socket = new WebSocket(`ws+unix:${socketPath}:/ws/${app}`);
    socket.on("message", (data) => evidence.note(`WebSocket of ${app}`, data.toString()));
    return socket.on("error", () => undefined);
  });
  return () => {
    request.destroy();
    for (const socket of sockets) socket.terminate();
  };
}

/** Bytes that are no request, as they are; what comes back is evidence. */
export async function sendRaw(evidence: Evidence, port: number, text: string): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.end(text);
  evidence.note("answer of no request", await buffer(socket));
}
