import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/**
 * A service with an HTTP API, which remembers what it was asked. `answers` are by path; anything else is 404. `listen` is a
 * unix socket where it shall not be a port; with `tls` it speaks HTTPS.
 */
export async function startHttpService(
  answers: Readonly<Record<string, Answer | ((seen: Seen) => Answer)>>,
  options: { readonly listen?: string; readonly tls?: { readonly key: string; readonly cert: string } } = {},
) {
  const seen: Seen[] = [];
  const handle = async (message: http.IncomingMessage, response: http.ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const { method = "", url: path = "", headers } = message;
    const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
    seen.push(one);
    const known = answers[path];
    const {
      status = 200,
      headers: sent,
      body = "",
    } = typeof known === "function" ? known(one) : (known ?? { status: 404 });
    response.writeHead(status, sent).end(body);
  };
  const answer = (message: http.IncomingMessage, response: http.ServerResponse) => void handle(message, response);
  const server = options.tls === undefined ? http.createServer(answer) : https.createServer(options.tls, answer);
  server.listen(options.listen ?? { port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = (options.listen === undefined ? server.address() : { port: 0 }) as AddressInfo;
  return {
    port,
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    seen,
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
