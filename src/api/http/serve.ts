/** The HTTP API on its addresses, from the first connection to the last. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { Api } from "./api.ts";
import { createEventLog } from "./event-log.ts";
import { type Listening, listen } from "./listener.ts";
import { createMetrics } from "./metrics.ts";
import type { ApiParts, HttpSettings } from "./parts.ts";
import { buildServer } from "./server.ts";

export interface HttpApi {
  /** `http://127.0.0.1:7373`, or the path of a unix socket; in the order of the settings. */
  readonly addresses: readonly string[];
  /** Answers a request that came by a socket of somebody else's, which only the owner can open. */
  readonly answerLocal: (request: IncomingMessage, response: ServerResponse) => void;
  /** Reads the certificates again. */
  readonly renew: () => Promise<void>;
  /** Lets answers finish; over within two seconds. */
  readonly close: () => Promise<void>;
}

/** For who comes back after a short while. */
const keptEvents = { events: 1000, bytes: 1024 * 1024 };

/** Milliseconds that answers in flight have when the server ends. */
const grace = 1500;

/** Resolves when every address is listened on. Throws SETTINGS_INVALID for one that cannot be had; then none is. */
export async function serveHttp(parts: ApiParts, settings: HttpSettings): Promise<HttpApi> {
  const stopping = new AbortController();
  const log = createEventLog(keptEvents);
  const metrics = createMetrics();
  const api: Api = {
    ...parts,
    settings,
    log,
    metrics,
    streams: new Set(),
    sockets: new Set(),
    stopping: stopping.signal,
  };
  const local = new WeakSet<IncomingMessage>();
  const server = await buildServer(api, (request) => local.has(request));
  const unsubscribe = parts.subscribe((event) => {
    metrics.noteEvent(event);
    log.add(event);
  });
  const answer = (request: IncomingMessage, response: ServerResponse): void => server.routing(request, response);
  const answerLocal: typeof answer = (request, response) => {
    local.add(request);
    answer(request, response);
  };
  const listening: Listening[] = [];

  const close = async (): Promise<void> => {
    stopping.abort();
    unsubscribe();
    for (const stream of api.streams) stream.end();
    const over = new AbortController();
    const deadline = wait(grace, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.all(listening.map((one) => one.close(deadline)));
    over.abort();
    await server.close();
  };

  try {
    for (const listener of settings.listen) {
      const onTrouble = (text: string): void => parts.note({ type: "trouble", text });
      const answering = "socket" in listener ? answerLocal : answer;
      listening.push(await listen(listener, answering, { limits: settings.limits, onTrouble }));
    }
  } catch (error) {
    await close();
    throw error;
  }

  return {
    addresses: listening.map(({ address }) => address),
    answerLocal,
    renew: async () => {
      await Promise.all(listening.map((one) => one.renew()));
    },
    close,
  };
}
