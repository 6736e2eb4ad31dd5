/**
 * The API that Websoft9's AppHub had before: `GET /api/settings`, `GET` and `PUT /api/settings/{section}?key=&value=`, with its
 * answers, its errors and its statuses, so that pages made for it go on working. Rights, masks and history are those of the
 * rest.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { requireRight } from "../../../access/principal.ts";
import type { Entry } from "../../../config/layers.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { Api, Server } from "../api.ts";
import { credentialsOf } from "../authorize.ts";
import { toProblem } from "../problem.ts";
import { isRevealed, presentView, type Reader, readerOf } from "../reading.ts";
import { flag, name, type Problem, section } from "../schemas.ts";
import { shownSection } from "../settings-view.ts";
import { makeEdits } from "../writing.ts";

const tags = ["classic"];
const trouble = z.object({ message: z.string(), details: z.string() }).meta({ id: "ClassicError" });
const troubles = Object.fromEntries(
  [400, 403, 412, 414, 415, 422, 429, 500, 503].map((status) => [status, trouble]),
) as Record<400 | 403 | 412 | 414 | 415 | 422 | 429 | 500 | 503, typeof trouble>;
const querystring = z.object({ reveal: flag.describe("show secrets; needs the right to administer") });
const params = z.object({ section: name });

/** `fault` is told of what is no answer but a fault of ours. */
export function addClassicRoutes(server: Server, api: Api, fault: (problem: Problem, thrown: unknown) => void): void {
  server.setErrorHandler((thrown, request, reply) => {
    const problem = toProblem(thrown, request.id);
    request.refusal = problem.code;
    if (problem.code === "INTERNAL") fault(problem, thrown);
    return answerAsBefore(problem, request, reply);
  });

  server.get("/settings", {
    config: { right: "read", audit: "reveal", ownErrors: true },
    schema: {
      tags,
      summary: "All values; ports are numbers",
      querystring,
      response: { 200: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.int()]))), ...troubles },
    },
    handler: async (request) => {
      const reader = readerOf(api, request, "default");
      const shown = [...presentView(reader)].filter(([name]) => reader.sight.section(name));
      return Object.fromEntries(
        shown.map(([name, keys]) => [name, typed(shownSection(keys, isRevealed(reader, request.query.reveal, name)))]),
      );
    },
  });

  server.get("/settings/:section", {
    config: { right: "read", audit: "reveal", ownErrors: true },
    schema: { tags, summary: "The values of a section", params, querystring, response: { 200: section, ...troubles } },
    handler: async (request) => {
      const { section } = request.params;
      const reader = readerOf(api, request, "default");
      const keys = requireSection(reader, section);
      return shownSection(keys, isRevealed(reader, request.query.reveal, section));
    },
  });

  server.put("/settings/:section", {
    config: { right: "write", audit: "change", ownErrors: true },
    schema: {
      tags,
      summary: "Change one value that is there; answers with the section",
      params,
      querystring: z.object({ key: name, value: z.string().max(256 * 1024) }),
      response: { 200: section, ...troubles },
    },
    handler: async (request, reply) => {
      const { section } = request.params;
      const { key, value } = request.query;
      const reader = readerOf(api, request, "default");
      if (!requireSection(reader, section).has(key))
        throw new ConfigSyncError("NOT_FOUND", `Key:${key} does not exist`);
      const { headers, principal } = request;
      await makeEdits(api, { headers, principal, query: { app: "default" } }, reply, [{ path: [section, key], value }]);
      return shownSection(requireSection(reader, section), false);
    },
  });
}

function requireSection(reader: Reader, section: string): ReadonlyMap<string, Entry> {
  requireRight(reader.principal, "read", { app: reader.app.name, section });
  const keys = presentView(reader).get(section);
  if (keys === undefined) throw new ConfigSyncError("NOT_FOUND", `Section:${section} does not exist`);
  return keys;
}

function typed(keys: Readonly<Record<string, string>>): Record<string, string | number> {
  const isPort = (key: string, value: string): boolean => /(^|_)port$/.test(key) && /^\d{1,5}$/.test(value);
  return Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [key, isPort(key, value) ? Number(value) : value]),
  );
}

/** What was no good was 400 in every case, also a wrong key. */
function answerAsBefore(
  { code, status, title, detail, errors }: Problem,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const answer = (status: number, message: string, details: string) => reply.code(status).send({ message, details });
  switch (code) {
    case "NOT_FOUND":
      return answer(400, "Invalid Request", detail);
    case "REQUEST_INVALID":
      return answer(status, "Request Validation Error", errors?.map(describeIssue).join("; ") ?? detail);
    case "UNAUTHENTICATED":
      return answer(400, "Invalid Request", hasKey(request) ? "Invalid API Key" : "No API Key provided");
    case "INTERNAL":
      return answer(500, "Internal Server Error", "Internal Server Error");
    default:
      return answer(status, title, detail);
  }
}

/** `value: Invalid input`: the field without the part of the request that it stands in. */
function describeIssue({ pointer, detail }: NonNullable<Problem["errors"]>[number]): string {
  return `${pointer.split("/").slice(2).join(".")}: ${detail}`;
}

function hasKey({ headers }: FastifyRequest): boolean {
  const { key, token } = credentialsOf(headers, "");
  return key !== undefined || token !== undefined;
}
