/**
 * Who asks for the same on the same connection again gets the same answer, for as long as it is true: without looking for a route, from
 * memory. What a first answer goes through before its route is asked each time; the right to it holds as long as `recent` knows him.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, onSendHookHandler } from "fastify";
import type { Principal } from "../../access/principal.ts";
import type { Answered } from "./answer-log.ts";
import { addressOfSocket, credentialsOf } from "./authorize.ts";
import type { Recent } from "./recent.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The handler may say how long its answer is true. */
    readonly repeats?: boolean;
  }
  interface FastifyRequest {
    /** Whether the answer still is what it was. Without it, it is not given again. */
    isStillTrue: (() => boolean) | undefined;
  }
  interface FastifyInstance {
    /** Whether the request was answered: with what it was answered a moment ago. */
    readonly answerAgain: (request: IncomingMessage, response: ServerResponse) => boolean;
  }
}

export interface RepeatedReadsContext {
  readonly recent: Recent;
  readonly isLocal: (request: IncomingMessage) => boolean;
  /** Throws for who may not ask at all. */
  readonly admit: (request: IncomingMessage) => void;
  readonly tell: (event: Answered) => void;
  readonly stopping: AbortSignal;
}

interface Kept {
  readonly route: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly text: string;
  readonly isStillTrue: () => boolean;
}

/** Of one connection. */
const mostKept = 32;
const largestKept = 64 * 1024;

/** To be called before the routes are added. */
export function repeatReads(server: FastifyInstance, context: RepeatedReadsContext): void {
  const { recent, isLocal, admit, tell, stopping } = context;
  /** By path and query. Somebody who is let in anew is somebody else. */
  const kept = new WeakMap<Principal, Map<string, Kept>>();
  server.decorateRequest("isStillTrue", undefined);

  const keep = (route: string, reply: FastifyReply, text: string): void => {
    const { principal, isStillTrue, url, raw } = reply.request;
    if (principal === undefined || isStillTrue === undefined || reply.statusCode !== 200 || !isPlain(raw)) return;
    const answers = kept.get(principal) ?? new Map<string, Kept>();
    if (answers.size >= mostKept || text.length > largestKept) return;
    kept.set(principal, answers.set(url, { route, headers: headersOf(reply, text), text, isStillTrue }));
  };

  server.addHook("onRoute", (options) => {
    const { url: route, config } = options;
    if (config?.repeats !== true) return;
    const keepThis: onSendHookHandler = (_request, reply, payload, done) => {
      if (typeof payload === "string") keep(route, reply, payload);
      done(null, payload);
    };
    options.onSend = [...[options.onSend ?? []].flat(), keepThis];
  });

  server.decorate("answerAgain", (request: IncomingMessage, response: ServerResponse): boolean => {
    const { url = "", headers, socket } = request;
    if (stopping.aborted || isLocal(request) || !isPlain(request)) return false;
    const address = addressOfSocket(socket);
    const principal = recent.find(socket, credentialsOf(headers, address));
    const answer = principal && kept.get(principal)?.get(url);
    if (principal === undefined || answer === undefined || !answer.isStillTrue()) return false;
    const from = performance.now();
    try {
      admit(request);
    } catch {
      // Its route says why.
      return false;
    }
    response.writeHead(200, answer.headers).end(answer.text);
    const took = performance.now() - from;
    tell({ type: "answered", method: "GET", route: answer.route, status: 200, took, who: principal.name, address });
    return true;
  });
}

/** Nothing in the request could make another answer of it but its URL, and who asks. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  return (
    method === "GET" &&
    headers.origin === undefined &&
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined
  );
}

function headersOf(reply: FastifyReply, text: string): string[] {
  const given = Object.entries(reply.getHeaders()).flatMap(([name, value]) => [name, `${value}`]);
  return [...given, "content-length", `${Buffer.byteLength(text)}`];
}
