/** The HTTP API on its addresses, from the first connection to the last. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { Api } from "./api.ts";
import { createEventLog, type EventLog } from "./event-log.ts";
import type { EventStream } from "./event-stream.ts";
import { type Listening, listen } from "./listener.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
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

/** What goes on where a server takes the place of another: who follows the events misses none, and counters go on counting. */
export interface Lifetime {
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly ending: AbortSignal;
  /** Before the last server is closed. */
  readonly end: () => void;
}

export function beginLifetime({ subscribe }: Pick<ApiParts, "subscribe">): Lifetime {
  const ending = new AbortController();
  const log = createEventLog(keptEvents);
  const metrics = createMetrics();
  const unsubscribe = subscribe((event) => {
    metrics.noteEvent(event);
    log.add(event);
  });
  const end = (): void => {
    ending.abort();
    unsubscribe();
  };
  return { log, metrics, ending: ending.signal, end };
}

/**
 * Resolves when every address is listened on. Throws SETTINGS_INVALID for one that cannot be had; then none is. Without a `lifetime` it
 * is the only server.
 */
export async function serveHttp(parts: ApiParts, settings: HttpSettings, lifetime?: Lifetime): Promise<HttpApi> {
  const { log, metrics, ending, end } = lifetime ?? beginLifetime(parts);
  const stopping = new AbortController();
  const streams = new Set<EventStream>();
  const sockets: Api["sockets"] = new Set();
  const api: Api = { ...parts, settings, log, metrics, streams, sockets, stopping: stopping.signal, ending };
  const local = new WeakSet<IncomingMessage>();
  const server = await buildServer(api, (request) => local.has(request));
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (!server.answerAgain(request, response)) server.routing(request, response);
  };
  const answerLocal: typeof answer = (request, response) => {
    local.add(request);
    answer(request, response);
  };
  const listening: Listening[] = [];

  const close = async (): Promise<void> => {
    if (lifetime === undefined) end();
    stopping.abort();
    for (const stream of streams) if (!stream.isLocal || ending.aborted) stream.end();
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
