/** Who asks, and whether they may: enforced for every route, by the right that the route itself names. */
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, RouteOptions } from "fastify";
import type { Credentials } from "../../access/access.ts";
import { isAllowed, type Principal, type Right, requireRight } from "../../access/principal.ts";
import { looksLikeToken } from "../../access/tokens.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { ApiParts } from "./parts.ts";
import type { Recent } from "./recent.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What it takes to be answered at all; `nobody` for what everybody may. Routes without it are refused. */
    readonly right?: Right | "nobody";
    /**
     * Where the name of the app stands: in the path under another name than `app`, or nowhere, as the route is about all that the one
     * who asks may see, or one that its body names: it asks for the right itself.
     */
    readonly app?: "name" | "any";
    /** It may take from somebody what he was let in by. */
    readonly endsLogins?: boolean;
  }
  interface FastifyRequest {
    /** Set before any handler of a route that asks for a right. */
    principal: Principal | undefined;
    /** It came by the unix socket, which only its owner can open. */
    local: boolean;
  }
}

/**
 * Adds the hooks. What a handler has to ask besides is whether the right reaches the section (`requireRight` with a target); that
 * it reaches the app at all is asked here.
 */
export function enforceRights(server: FastifyInstance, { access, owner, recent }: Known, readOnly?: string): void {
  server.decorateRequest("principal", undefined);

  const identify = (request: FastifyRequest): Principal | Promise<Principal> => {
    const shown = credentialsOf(request.headers, addressOf(request));
    const isShown = shown.key !== undefined || shown.token !== undefined;
    if (request.local && !isShown) return { name: owner, kind: "local", grant: { role: "admin" } };
    const { socket } = request.raw;
    return recent.find(socket, shown) ?? ask(socket, shown);
  };

  const ask = async (socket: Socket, shown: Credentials): Promise<Principal> => {
    const principal = await access.authenticate(shown);
    recent.remember(socket, shown, principal);
    return principal;
  };

  server.addHook("onRoute", (route) => {
    const { right, endsLogins = false } = route.config ?? {};
    if (right === undefined) throw new Error(`the route ${route.method} ${route.url} does not say who may use it`);
    if (endsLogins)
      route.onSend = [
        ...[route.onSend ?? []].flat(),
        async (_request, _reply, payload) => {
          recent.forget();
          return payload;
        },
      ];
    if (right === "nobody") return;
    const admit = (request: FastifyRequest, principal: Principal): void => {
      request.principal = principal;
      if (request.routeOptions.config.app === "any") requireRight(principal, right);
      else requireReach(principal, right, appOf(request, route));
      if (right === "write" && readOnly !== undefined) throw new ConfigSyncError("READ_ONLY", readOnly);
    };
    // Behind the hooks of the server, before all others of the route. Without a promise where there is nothing to wait for.
    const authorize: onRequestHookHandler = (request, _reply, done) => {
      const principal = identify(request);
      if (principal instanceof Promise) principal.then((one) => admit(request, one)).then(() => done(), done);
      else {
        admit(request, principal);
        done();
      }
    };
    route.onRequest = [authorize, ...[route.onRequest ?? []].flat()];
  });
}

type Known = Pick<ApiParts, "access" | "owner"> & { readonly recent: Recent };

/** `x-api-key`, or Bearer with a key or a JWT. */
export function credentialsOf(headers: IncomingHttpHeaders, address: string): Credentials {
  const key = headers["x-api-key"];
  if (typeof key === "string" && key !== "") return { key, address };
  const bearer = /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer === undefined) return { address };
  return looksLikeToken(bearer) ? { token: bearer, address } : { key: bearer, address };
}

export function addressOf({ raw }: FastifyRequest): string {
  return addressOfSocket(raw.socket);
}

export function addressOfSocket({ remoteAddress }: Pick<Socket, "remoteAddress">): string {
  return remoteAddress ?? "local";
}

/**
 * Of the path, or else of the query, where the route has it there: what a query says besides is no way around what the route is about. Not
 * validated yet: a name that is none is no app that anybody has a right on.
 */
export function appOf(
  { params, query }: Pick<FastifyRequest, "params" | "query">,
  { config, schema }: Pick<RouteOptions, "config" | "schema">,
): string {
  const inPath = (params ?? {}) as Readonly<Record<string, unknown>>;
  const { shape = {} } = (schema?.querystring ?? {}) as { readonly shape?: object };
  const { app } = ("app" in shape ? (query ?? {}) : {}) as { readonly app?: unknown };
  const named = inPath[config?.app === "name" ? "name" : "app"] ?? app;
  return typeof named === "string" && named !== "" ? named : "default";
}

/** That the right is there on the app, be it on one section only. */
function requireReach(principal: Principal, right: Right, app: string): void {
  const [section] = principal.grant.sections ?? [];
  if (!isAllowed(principal, right, { app, section })) requireRight(principal, right, { app });
}

/** The one who asks, behind the hook. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === undefined) throw new Error("the route names no right, so nobody was asked for");
  return principal;
}

/**
 * For who goes on reading: whether he still would be let in as he was. A key that was removed, a token that is over, a role that was
 * changed: none of them is. Keeps nothing of the request but what was shown.
 */
export function stillAllowed(request: FastifyRequest, { access }: Pick<ApiParts, "access">): () => Promise<boolean> {
  const { kind, grant } = principalOf(request);
  if (kind === "local") return async () => true;
  const shown = credentialsOf(request.headers, addressOf(request));
  const before = JSON.stringify(grant);
  return async () => JSON.stringify((await access.authenticate(shown)).grant) === before;
}
