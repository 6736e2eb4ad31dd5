/** Who did what through the API goes on record before it is answered: acts of everybody who is known, refused ones too, and logins. */
import type { FastifyReply, FastifyRequest, onSendHookHandler } from "fastify";
import type { Act, Told } from "../../audit/entry.ts";
import { formatPath } from "../../config/path.ts";
import { asConfigSyncError, ConfigSyncError, type ErrorCode } from "../../errors.ts";
import type { Api, Server } from "./api.ts";
import { appOf } from "./authorize.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a request is on record as. Routes that write must say so; `reveal` counts where that is asked for. */
    readonly audit?: Act;
  }
  interface FastifyRequest {
    /** What the handler knows of the act. */
    act: Partial<Told> | undefined;
    /** Why the answer is no. */
    refusal: ErrorCode | undefined;
    isRecorded: boolean;
  }
}

/** Adds the hooks to every route that is added later. */
export function recordActs(server: Server, api: Api): void {
  server.decorateRequest("refusal", undefined);
  server.decorateRequest("isRecorded", false);
  server.decorateRequest("act", undefined);
  server.addHook("onRoute", (route) => {
    const { right, audit } = route.config ?? {};
    if (audit === undefined) {
      if (right !== "write") return;
      throw new Error(`the route ${route.method} ${route.url} does not say what it is on record as`);
    }
    const recordThis: onSendHookHandler = (request, reply, payload, done) => {
      if (!isWorthIt(audit, request, reply)) return done(null, payload);
      record(api, audit, request, reply).then(() => done(null, payload), done);
    };
    route.onSend = [recordThis, ...[route.onSend ?? []].flat()];
  });
}

/** Puts what was done on record now, and not only when the answer goes out: that may be held for minutes. */
export async function recordNow(api: Api, { request }: FastifyReply, act: Partial<Told>): Promise<void> {
  const { audit } = request.routeOptions.config;
  request.act = { ...request.act, ...act };
  if (audit !== undefined) await append(api, audit, request, { outcome: "done" });
}

function isWorthIt(act: Act, request: FastifyRequest, reply: FastifyReply): boolean {
  // An answer that is given again for the same Idempotency-Key: nothing was done.
  if (request.isRecorded || reply.getHeader("idempotency-replayed") !== undefined) return false;
  if (act === "reveal" && (request.query as { readonly reveal?: unknown }).reveal !== "true") return false;
  // Tries are slowed down from the first wrong ones on; what is not even tried would only fill the disk.
  if (act === "login") return reply.statusCode === 200 || reply.statusCode === 401;
  return request.principal !== undefined;
}

/** Throws where an act that was done cannot be put on record. Of one that was refused the log is told. */
async function record(api: Api, act: Act, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { statusCode } = reply;
  if (statusCode < 400) return append(api, act, request, { outcome: "done" });
  const outcome = statusCode < 500 ? "refused" : "failed";
  await append(api, act, request, { outcome, code: request.refusal }).catch((error: unknown) =>
    api.note({ type: "trouble", text: asConfigSyncError(error).message }),
  );
}

async function append(
  api: Api,
  what: Act,
  request: FastifyRequest,
  { outcome, code }: Pick<Told, "outcome" | "code">,
): Promise<void> {
  request.isRecorded = true;
  const from = request.local ? "control socket" : request.ip;
  const who = await whoOf(api, what, request);
  try {
    await api.audit.append({
      ...namedIn(request),
      ...request.act,
      who,
      from,
      what,
      request: request.id,
      outcome,
      code,
    });
  } catch (error) {
    const { code, message, hint } = asConfigSyncError(error);
    const text = outcome === "done" ? `this was done, and could not be put on record: ${message}` : message;
    throw new ConfigSyncError(code, text, { hint, cause: error });
  }
}

/** What the URL says of the act. */
function namedIn(request: FastifyRequest): Partial<Told> {
  const { params, routeOptions: route } = request;
  const { section, key, name } = params as Readonly<Record<string, string | undefined>>;
  const keys = section === undefined ? undefined : [formatPath(key === undefined ? [section] : [section, key])];
  const { app } = route.config;
  return { app: app === "any" ? undefined : appOf(request, route), keys, target: app === "name" ? undefined : name };
}

/** People type passwords where their name belongs: a name that nobody has is not written down. */
async function whoOf({ access }: Api, act: Act, { principal, body }: FastifyRequest): Promise<Told["who"]> {
  if (principal !== undefined) return { name: principal.name, kind: principal.kind };
  const { username, user = username } = (body ?? {}) as { readonly user?: unknown; readonly username?: unknown };
  const isKnown = act === "login" && (await access.users()).some(({ name }) => name === user);
  return { name: isKnown ? String(user) : "unknown", kind: "user" };
}
