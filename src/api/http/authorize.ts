/** Who asks, and whether they may: enforced for every route, by the right that the route itself names. */
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Credentials } from "../../access/access.ts";
import { isAllowed, type Principal, type Right, requireRight } from "../../access/principal.ts";
import { looksLikeToken } from "../../access/tokens.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { ApiParts } from "./parts.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What it takes to be answered at all; `nobody` for what everybody may. Routes without it are refused. */
    readonly right?: Right | "nobody";
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
export function enforceRights(server: FastifyInstance, parts: Pick<ApiParts, "access" | "owner">, readOnly?: string) {
  server.decorateRequest("principal", undefined);
  server.addHook("onRoute", ({ config, method, url }) => {
    if (config?.right === undefined) throw new Error(`the route ${method} ${url} does not say who may use it`);
  });
  server.addHook("onRequest", async (request) => {
    const { right } = request.routeOptions.config;
    if (right === undefined || right === "nobody") return;
    const principal = await identify(request, parts);
    request.principal = principal;
    requireReach(principal, right, appOf(request));
    if (right === "write" && readOnly !== undefined) throw new ConfigSyncError("READ_ONLY", readOnly);
  });
}

async function identify(request: FastifyRequest, { access, owner }: Pick<ApiParts, "access" | "owner">) {
  const credentials = credentialsOf(request.headers, addressOf(request));
  const isShown = credentials.key !== undefined || credentials.token !== undefined;
  if (request.local && !isShown) return { name: owner, kind: "local", grant: { role: "admin" } } as const;
  return access.authenticate(credentials);
}

/** `x-api-key`, or Bearer with a key or a JWT. */
export function credentialsOf(headers: IncomingHttpHeaders, address: string): Credentials {
  const key = headers["x-api-key"];
  if (typeof key === "string" && key !== "") return { key, address };
  const bearer = /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer === undefined) return { address };
  return looksLikeToken(bearer) ? { token: bearer, address } : { key: bearer, address };
}

export function addressOf({ ip }: FastifyRequest): string {
  return ip ?? "local";
}

/** Not validated yet: a name that is none is no app that anybody has a right on. */
export function appOf({ query }: FastifyRequest): string {
  const { app } = (query ?? {}) as { readonly app?: unknown };
  return typeof app === "string" && app !== "" ? app : "default";
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
