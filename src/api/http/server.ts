/** The HTTP API without its addresses: what every request goes through before its route, and what every answer has. */
import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchemaCompiler,
  fastify,
  type onResponseHookHandler,
  type onSendHookHandler,
} from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { ZodObject, type ZodType } from "zod";
import { ConfigSyncError } from "../../errors.ts";
import { tellAnswer } from "./answer-log.ts";
import type { Api, Server } from "./api.ts";
import { addressOf, addressOfSocket, enforceRights } from "./authorize.ts";
import { addDocsPage } from "./docs-page.ts";
import { answerRepeats } from "./idempotency.ts";
import { createHostCheck } from "./known-hosts.ts";
import { createMethodFinder } from "./methods.ts";
import { describeApi } from "./openapi.ts";
import { describe, problemType, toProblem } from "./problem.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createRecent } from "./recent.ts";
import { recordActs } from "./record.ts";
import { repeatReads } from "./repeated-reads.ts";
import { addRoutes } from "./routes.ts";
import type { Problem } from "./schemas.ts";

/** Told of every fault of ours that a problem was made of. */
type Fault = (problem: Problem, thrown: unknown) => void;

/** `isLocal` tells the requests that came by the unix socket. */
export async function buildServer(api: Api, isLocal: (request: IncomingMessage) => boolean): Promise<Server> {
  const { settings } = api;
  const fault: Fault = (problem, error) => api.note({ type: "fault", instance: problem.instance, error });
  const server = createServer(settings.limits.body, fault);
  server.decorateRequest("local", {
    getter(this: FastifyRequest) {
      return isLocal(this.raw);
    },
  });
  setHeaders(server, api);
  if (settings.cors.length > 0) await allowOrigins(server, settings.cors);
  const admit = createGuard(api);
  guard(server, admit);
  answerErrors(server, fault, noteAnswers(server, api));
  const recent = createRecent();
  enforceRights(server, { ...api, recent }, settings.readOnly);
  repeatReads(server, { recent, isLocal, admit, tell: (event) => tellAnswer(api, event), stopping: api.stopping });
  recordActs(server, api);
  answerRepeats(server);
  await describeApi(server, api.version);
  addDocsPage(server);
  addRoutes(server, api, fault);
  await server.ready();
  return server;
}

/** The names of a section and a key may be long; find-my-way's own limit is 100. */
const longestParameter = 500;

function createServer(bodyLimit: number, fault: Fault): Server {
  const server = fastify({
    bodyLimit,
    // What stands in the audit log, and in the answer where something went wrong.
    genReqId: createNumbering(),
    // What is asked for while the server ends is answered like everything before it: the connection ends with that.
    return503OnClosing: false,
    routerOptions: { maxParamLength: longestParameter },
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      const problem = toProblem(error);
      if (problem.code === "INTERNAL") fault(problem, error);
      void reply.headers(headers).code(problem.status).type(problemType).send(JSON.stringify(problem));
    },
  }).withTypeProvider<ZodTypeProvider>();
  server.removeContentTypeParser("text/plain");
  takeUtf8(server);
  server.setValidatorCompiler(compileValidator);
  // What an answer's schema does not name is left out: nothing is told by accident.
  server.setSerializerCompiler(serializerCompiler);
  return server;
}

/** What is no UTF-8 would be read with � in its place, and a value be another one. */
function takeUtf8(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser("error", "error");
  server.removeContentTypeParser("application/json");
  server.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    if (isUtf8(body)) void parse(request, body.toString(), done);
    else done(new ConfigSyncError("REQUEST_INVALID", "the body is no UTF-8, as JSON has to be"));
  });
}

/** UUIDs, of which only the beginning is random: of this server, and then they are counted. A random one each would cost as much as a route. */
function createNumbering(): () => string {
  const beginning = randomUUID().slice(0, -12);
  let count = 0;
  return () => `${beginning}${(++count).toString(16).padStart(12, "0")}`;
}

/** Most requests have no query, which comes to the same each time, and none of the headers that a route asks for. */
const compileValidator: FastifySchemaCompiler<ZodType> = (route) => {
  const validate = validatorCompiler(route);
  const { httpPart, schema } = route;
  if (httpPart === "headers" && schema instanceof ZodObject) {
    const names = Object.keys(schema.shape);
    // Found out with the first request: at the start it would take its time for every route.
    let isNoneEnough: boolean | undefined;
    return (headers) => {
      if (names.some((name) => name in headers)) return validate(headers);
      isNoneEnough ??= schema.safeParse({}).success;
      return isNoneEnough ? { value: headers } : validate(headers);
    };
  }
  if (httpPart !== "querystring") return validate;
  let ofNone: ReturnType<typeof validate> | undefined;
  return (query) => {
    for (const _ in query) return validate(query);
    ofNone ??= validate(query);
    return ofNone;
  };
};

/** Answers are data of one person: no page may frame them, no cache keep them, no browser take them for anything else. */
const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

function setHeaders(server: Server, { stopping }: Api): void {
  server.addHook("onRequest", (request, reply, done) => {
    reply.headers(headers);
    if (request.protocol === "https") reply.header("strict-transport-security", "max-age=31536000");
    if (stopping.aborted) reply.header("connection", "close");
    done();
  });
  // What is only read is answered at once: the server does not end in the middle of it.
  server.addHook("onRoute", (route) => {
    if (route.method === "GET" || route.method === "HEAD") return;
    const endConnection: onSendHookHandler = (_request, reply, payload, done) => {
      if (stopping.aborted) reply.header("connection", "close");
      done(null, payload);
    };
    route.onSend = [...[route.onSend ?? []].flat(), endConnection];
  });
}

async function allowOrigins(server: Server, origins: readonly string[]): Promise<void> {
  const { default: cors } = await import("@fastify/cors");
  await server.register(cors, {
    origin: [...origins],
    methods: ["GET", "HEAD", "PUT", "POST", "DELETE"],
    allowedHeaders: ["authorization", "content-type", "idempotency-key", "if-match", "last-event-id", "x-api-key"],
    exposedHeaders: ["etag", "retry-after"],
    maxAge: 600,
  });
}

type Admit = (request: IncomingMessage) => void;

/** What is asked before anybody is asked who he is. */
function createGuard({ settings: { hosts, limits } }: Api): Admit {
  const requireKnownHost = createHostCheck(hosts);
  const limit = createRateLimit(limits.requestsPerSecond);
  return ({ headers, socket }) => {
    requireKnownHost(headers.host, socket.localAddress);
    const wait = limit(addressOfSocket(socket));
    if (wait === 0) return;
    const message = "there were more requests from this address than are taken";
    throw new ConfigSyncError("TOO_MANY_REQUESTS", message, { retryAfter: Math.ceil(wait) });
  };
}

function guard(server: Server, admit: Admit): void {
  server.addHook("onRequest", (request, _reply, done) => {
    if (!request.local) admit(request.raw);
    done();
  });
}

function answerErrors(server: Server, fault: Fault, noteAnswer: NoteAnswer): void {
  const methodsOf = createMethodFinder(server);
  server.setErrorHandler((thrown, request, reply) => {
    const problem = toProblem(thrown, request.id);
    request.refusal = problem.code;
    if (thrown instanceof ConfigSyncError && thrown.retryAfter !== undefined)
      reply.header("retry-after", `${thrown.retryAfter}`);
    if (problem.code === "INTERNAL") fault(problem, thrown);
    if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="config-sync"');
    return reply.code(problem.status).type(problemType).send(problem);
  });
  server.setNotFoundHandler((request, reply) => {
    reply.raw.once("finish", () => noteAnswer("*", request, reply));
    const { method, url } = request;
    const [path = ""] = url.split("?");
    const methods = methodsOf(path);
    if (methods.length > 0) reply.header("allow", methods.join(", "));
    const problem =
      methods.length > 0
        ? describe(new ConfigSyncError("REQUEST_INVALID", `there is no ${method} here`), { status: 405 })
        : describe(new ConfigSyncError("NOT_FOUND", "there is nothing here", { hint: "GET /openapi.json has all" }));
    return reply.code(problem.status).type(problemType).send(problem);
  });
}

/** Tells of every answer of a route that is added later; returns what tells of one that no route gives. */
function noteAnswers(server: Server, api: Api): NoteAnswer {
  const noteAnswer: NoteAnswer = (route, request, reply) => {
    tellAnswer(api, {
      type: "answered",
      method: request.method,
      route,
      status: reply.statusCode,
      took: reply.elapsedTime,
      who: request.principal?.name,
      address: addressOf(request),
    });
  };
  // By route, as fastify puts together anew what a request's own is whenever it is asked.
  server.addHook("onRoute", (route) => {
    const { url } = route;
    const noteThis: onResponseHookHandler = (request, reply, done) => {
      noteAnswer(url, request, reply);
      done();
    };
    route.onResponse = [...[route.onResponse ?? []].flat(), noteThis];
  });
  return noteAnswer;
}

type NoteAnswer = (route: string, request: FastifyRequest, reply: FastifyReply) => void;
