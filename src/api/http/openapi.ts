/** The OpenAPI document, made of the routes and of the schemas that requests are held to. */
import swagger from "@fastify/swagger";
import type { RouteOptions } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { type ErrorCode, errorTable } from "../../errors.ts";
import type { Server } from "./api.ts";
import { problemType } from "./problem.ts";
import { problem } from "./schemas.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the handler may refuse with, beside what every route may. */
    readonly errors?: readonly ErrorCode[];
    /** The route has a shape of its own for errors, and declares it itself. */
    readonly ownErrors?: boolean;
  }
}

/** Adds `/openapi.json`. Every route that is added later is in it, with the errors that it may answer with. */
export async function describeApi(server: Server, version: string): Promise<void> {
  server.addHook("onRoute", declareErrors);
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "config-sync",
        version,
        description: "One place for configuration, and every service really runs on it.",
      },
      components: {
        securitySchemes: {
          key: { type: "apiKey", in: "header", name: "x-api-key" },
          token: { type: "http", scheme: "bearer", description: "a JWT from login, or an API key" },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => tidy(jsonSchemaTransformObject(document)),
  });
  server.get("/openapi.json", {
    config: { right: "nobody" },
    schema: { hide: true },
    handler: async () => server.swagger(),
  });
}

type Document = ReturnType<typeof jsonSchemaTransformObject>;

/** Shapes of answers that nobody sends (`PlanInput`) are left out, and answers that have no words of their own get some. */
function tidy(document: Document): Document {
  const text = JSON.stringify(document).replaceAll('"Default Response"', '"What was asked for"');
  const { components, ...rest }: Document & { components?: { schemas?: object } } = JSON.parse(text);
  const asked = JSON.stringify(rest.paths);
  const used = Object.entries(components?.schemas ?? {}).filter(
    ([name]) => !name.endsWith("Input") || asked.includes(`"#/components/schemas/${name}"`),
  );
  return { ...rest, components: { ...components, schemas: Object.fromEntries(used) } } as Document;
}

/** HTTP's own, which have no code to themselves: a URL that is too long, a body of another type. */
const finer = { url: 414, type: 415 } as const;

function declareErrors(route: RouteOptions): void {
  const { config, schema } = route;
  if (schema === undefined || schema.hide === true) return;
  Object.assign(schema, { "x-right": config?.right });
  schema.security = config?.right === "nobody" ? [] : [{ key: [] }, { token: [] }];
  if (config?.ownErrors === true) return;
  const byStatus = Map.groupBy(codesOf(route), (code) => errorTable[code].status as number);
  if (schema.params !== undefined) byStatus.set(finer.url, ["TOO_LARGE"]);
  if (takesBody(route)) byStatus.set(finer.type, ["REQUEST_INVALID"]);
  const declared = [...byStatus].map(([status, codes]) => {
    return [status, { description: codes.join(", "), content: { [problemType]: { schema: problem } } }];
  });
  schema.response = { ...Object.fromEntries(declared), ...(schema.response as object | undefined) };
}

function codesOf(route: RouteOptions): ErrorCode[] {
  const { right, errors = [] } = route.config ?? {};
  const known: ErrorCode[] = ["REQUEST_INVALID", "TOO_MANY_REQUESTS", "INTERNAL", ...errors];
  if (right !== "nobody") known.push("UNAUTHENTICATED", "FORBIDDEN");
  if (takesBody(route)) known.push("TOO_LARGE");
  return [...new Set(known)];
}

/** A DELETE may come with one, too. */
function takesBody({ method }: RouteOptions): boolean {
  return method !== "GET" && method !== "HEAD";
}
