/**
 * Idempotency-Key: who is not sure whether a write arrived sends it again with the same key and gets the answer of the first
 * time. Kept in memory: a daemon that was started anew knows none, and If-Match still keeps a repeated write from doing harm.
 */
import { hash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ConfigSyncError } from "../../errors.ts";
import { principalOf } from "./authorize.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for 204. */
  readonly body: string | undefined;
}

interface Entry {
  /** A digest: the request itself may hold secrets. */
  readonly request: string;
  /** Of the first request with this key; undefined where its answer is not to be given again. */
  readonly answer: Promise<Answer | undefined>;
  readonly settle: (answer: Answer | undefined) => void;
  readonly at: number;
}

const mostKept = 1000;
const keptFor = 24 * 3600 * 1000;
const largestKept = 64 * 1024;

declare module "fastify" {
  interface FastifyRequest {
    /** Of the first request with an Idempotency-Key, until it is answered. */
    idempotent: Entry | undefined;
  }
}

/** Adds the hooks to every route that writes and is added later. */
export function answerRepeats(server: FastifyInstance, now: () => number = Date.now): void {
  const kept = new Map<string, Entry>();
  server.decorateRequest("idempotent", undefined);

  const answerBefore = async (request: FastifyRequest, reply: FastifyReply) => {
    const key = request.headers["idempotency-key"];
    if (typeof key !== "string") return;
    const { kind, name } = principalOf(request);
    const named = JSON.stringify([kind, name, key]);
    forgetOld(kept, now() - keptFor);
    for (let known = kept.get(named); known !== undefined; known = kept.get(named)) {
      if (known.request !== digestOf(request)) throw reused();
      const answer = await known.answer;
      if (answer !== undefined) return repeat(reply, answer);
    }
    // It is the first one, or those before it came to nothing that lasts.
    request.idempotent = remember(kept, named, request, now());
  };

  const keepAnswer = async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    request.idempotent?.settle(answerOf(reply, payload));
    request.idempotent = undefined;
    return payload;
  };

  server.addHook("onRoute", (route) => {
    if (route.config?.right !== "write") return;
    route.preHandler = [...[route.preHandler ?? []].flat(), answerBefore];
    route.onSend = [...[route.onSend ?? []].flat(), keepAnswer];
  });
}

function remember(kept: Map<string, Entry>, name: string, request: FastifyRequest, at: number): Entry {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const settle = (answer: Answer | undefined): void => {
    if (answer === undefined && kept.get(name) === entry) kept.delete(name);
    resolve(answer);
  };
  const entry = { request: digestOf(request), answer: promise, settle, at };
  kept.set(name, entry);
  return entry;
}

/** The oldest stand first. */
function forgetOld(kept: Map<string, Entry>, before: number): void {
  for (const [name, { at }] of kept) {
    if (at >= before && kept.size < mostKept) return;
    kept.delete(name);
  }
}

function digestOf({ method, url, headers, body }: FastifyRequest): string {
  return hash("sha256", JSON.stringify([method, url, headers["if-match"] ?? null, body ?? null]));
}

function reused(): ConfigSyncError {
  return new ConfigSyncError("VALUE_INVALID", "this Idempotency-Key stood at another request before", {
    hint: "Take a new key for every change",
  });
}

/** A fault of the moment is no answer for good. */
function answerOf(reply: FastifyReply, payload: unknown): Answer | undefined {
  const body = payload ?? undefined;
  if (reply.statusCode >= 500 || (body !== undefined && typeof body !== "string")) return undefined;
  if (body !== undefined && body.length > largestKept) return undefined;
  const headers = ["content-type", "etag"].flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)]];
  });
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body };
}

function repeat(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).headers(headers).header("idempotency-replayed", "true").send(body);
}
