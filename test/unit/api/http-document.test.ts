import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { errorTable } from "../../../src/errors.ts";
import { createInjected, forgetKnown, type Who } from "./http-bed.ts";

afterAll(forgetKnown);

/**
 * A walk over the OpenAPI document as a client that knows nothing else: for every operation requests are made of its own schemas,
 * right ones and damaged ones, and every answer must be one that the document announces, status, type and body.
 */

type Schema = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: "query" | "path" | "header";
  readonly required: boolean;
  readonly schema: Schema;
}
interface Operation {
  readonly "x-right": string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, { readonly schema: Schema }> };
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: Schema }> }>;
}

const injected = await createInjected();
const document = (await injected.server.inject("/openapi.json")).json();
const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase() as "GET" | "PUT" | "POST" | "DELETE",
      operation,
    })),
);
// Its answer has no end; the tests of the events read it.
const walked = operations.filter(({ path }) => path !== "/api/v1/events");

const samples = 60;

describe("the OpenAPI document", () => {
  test("is 3.1 and refers to nothing that is not in it", () => {
    expect(document.openapi).toBe("3.1.0");
    const refs = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    const missing = [...refs].filter(([, name = ""]) => document.components.schemas[name] === undefined);
    expect(missing).toEqual([]);
  });

  test("names every code of an error with the status that it has", () => {
    for (const { operation } of operations) {
      for (const [status, { content, ...response }] of Object.entries(operation.responses)) {
        if (content?.["application/problem+json"] === undefined) continue;
        for (const code of (response as { description: string }).description.split(", "))
          if (!["414", "415", "426"].includes(status))
            expect(`${errorTable[code as keyof typeof errorTable].status}`).toBe(status);
      }
    }
  });

  test("says of each operation what it is for and who may", () => {
    for (const { operation } of operations)
      expect(operation).toMatchObject({
        summary: expect.any(String),
        tags: [expect.any(String)],
        security: expect.anything(),
      });
  });
});

describe("docs/api.md", () => {
  const page = readFileSync(path.join(import.meta.dirname, "../../../docs/api.md"), "utf8");

  test("has each route once, with the right that it takes", () => {
    const told = [...page.matchAll(/^\| `([A-Z]+) (\S+)` \| (\w+) \|/gm)].map(([, method, url, right]) => [
      method,
      url,
      right,
    ]);
    const known = operations.map(({ method, path: url, operation }) => [method, url, operation["x-right"]]);
    expect(told.toSorted()).toEqual(known.sort());
  });

  test("has each family of figures once", () => {
    const { api } = injected;
    const text = api.metrics.write(
      { daemon: null, revision: null, problems: [], services: [] },
      { sockets: 0, streams: 0, version: "1" },
    );
    const families = [...text.matchAll(/^# TYPE config_sync_(\S+)/gm)].map(([, name]) => name);
    const section = page.slice(page.indexOf("### For operators"), page.indexOf("## Who asks"));
    const told = [...section.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name);
    expect(told).toEqual(families);
  });
});

describe.each(walked)("$method $path", ({ path: url, method, operation }) => {
  test("answers what it announces", async () => {
    const api = await createInjected();
    await fc.assert(
      fc.asyncProperty(requestFor(operation), who, async ({ parameters, body, type }, role) => {
        const answer = await api.server.inject({
          method,
          url: urlOf(url, parameters),
          headers: {
            ...headersOf(parameters),
            ...api.keyOf(role),
            ...(body !== undefined && { "content-type": type }),
          },
          ...(body !== undefined && { payload: body }),
        });
        expectAnnounced(operation, answer);
      }),
      { numRuns: samples },
    );
  });
});

const who: fc.Arbitrary<Who> = fc.constantFrom("admin", "admin", "editor", "viewer", "narrow-admin", "narrow-editor");

interface Made {
  readonly parameters: readonly (readonly [Parameter, string])[];
  readonly body: string | undefined;
  readonly type: string;
}

function requestFor({ parameters = [], requestBody }: Operation): fc.Arbitrary<Made> {
  const given = parameters.map((parameter) => {
    const text = valueFor(parameter).map((value) => [parameter, `${value}`] as const);
    // Clients take `.` and `..` for steps on the way, encoded or not, and ask for another path.
    if (parameter.in === "path") return text.filter(([, value]) => value !== "." && value !== "..");
    return fc.option(text, { nil: undefined, freq: 3 });
  });
  const schema = requestBody?.content["application/json"]?.schema;
  return fc.record({
    parameters: fc.tuple(...given).map((list) => list.filter((one) => one !== undefined)),
    body: schema === undefined ? fc.constant(undefined) : bodyFor(schema),
    type: fc.oneof({ weight: 30, arbitrary: fc.constant("application/json") }, fc.constantFrom("text/xml", "a")),
  });
}

/** Names that are there, so that more than refusals is seen, beside what the schema allows and what nobody does. */
function valueFor({ name, schema }: Parameter): fc.Arbitrary<string | number> {
  const known = there[name];
  const wild = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: "grapheme", maxLength: 9 }),
    fc.constant("%2F"),
  );
  const fitting = fromSchema(schema).map((value) =>
    typeof value === "object" ? JSON.stringify(value) : String(value),
  );
  return known === undefined
    ? fc.oneof({ weight: 4, arbitrary: fitting }, wild)
    : fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...known) }, { weight: 2, arbitrary: fitting }, wild);
}

const there: Readonly<Record<string, readonly (string | number)[]>> = {
  app: ["default", "shop", "other", "typed"],
  section: ["gitea", "web", "max_apps"],
  key: ["http_port", "port", "user_pwd", "key"],
  name: ["gitea", "proxy", "shop", "typed", "default"],
  version: [1, 2],
  before: [2],
  path: ["gitea", "gitea.http_port", "web.port"],
  revision: [1, 2, 3],
  from: [1, 2],
  to: [1, 2],
  reveal: ["true", "false"],
  wait: ["healthy"],
  timeout: ["1ms"],
  "if-match": ['"1"', "*", "x"],
};

function bodyFor(schema: Schema): fc.Arbitrary<string> {
  const right = fromSchema(schema).map((value) => JSON.stringify(value) ?? "");
  const real = fc.constantFrom(
    '{"web":{"port":81}}',
    '{"port":"82"}',
    '{"value":"83"}',
    '{"to":1}',
    '{"max_apps":{"key":"9"}}',
    '{"hash":"old"}',
    '{"data":{"web":{"port":2}}}',
    '{"name":"made","data":{"web":{"port":2}},"schema":{"type":"object"}}',
    '{"data":{"a":{"b":[1,null]}},"schema":null}',
    '{"value":"[secret]"}',
  );
  const damaged = fc.oneof(
    fc.json(),
    right.map((text) => text.slice(1)),
    fc.string(),
  );
  return fc.oneof({ weight: 4, arbitrary: right }, { weight: 3, arbitrary: real }, { weight: 2, arbitrary: damaged });
}

/** Values of a JSON schema, as far as ours go. */
function fromSchema(schema: Schema): fc.Arbitrary<unknown> {
  const { type, anyOf, enum: options, properties, additionalProperties, required = [] } = schema;
  if (Array.isArray(options)) return fc.constantFrom(...options);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => fromSchema(one as Schema)));
  switch (type) {
    case "string":
      return fc.string({ minLength: 1, maxLength: 20 });
    case "integer":
    case "number":
      return fc.integer({ min: Number(schema.minimum ?? -5), max: Math.min(Number(schema.maximum ?? 1e6), 1e6) });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "object":
      if (typeof properties === "object" && properties !== null) {
        const fields = Object.entries(properties).map(([name, one]) => [name, fromSchema(one as Schema)]);
        return fc.record(Object.fromEntries(fields), { requiredKeys: required as never[] });
      }
      return fc.dictionary(fc.string({ minLength: 1, maxLength: 9 }), fromSchema(additionalProperties as Schema), {
        maxKeys: 3,
      });
    default:
      return fc.jsonValue();
  }
}

function urlOf(path: string, parameters: Made["parameters"]): string {
  let url = path;
  const query = new URLSearchParams();
  for (const [parameter, value] of parameters) {
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value) || "%20");
    if (parameter.in === "query") query.set(parameter.name, value);
  }
  return `${url}?${query}`;
}

function headersOf(parameters: Made["parameters"]): Record<string, string> {
  const headers = parameters.filter(([parameter]) => parameter.in === "header");
  // What is no header field at all does not leave a client.
  return Object.fromEntries(headers.map(([{ name }, value]) => [name, value.replaceAll(/[^\x20-\x7e]/g, "")]));
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function expectAnnounced({ responses }: Operation, { statusCode, headers, body }: Answer): void {
  const announced = responses[statusCode];
  expect(announced, `a status that is not announced: ${statusCode} ${body}`).toBeDefined();
  expect(statusCode, body).not.toBe(500);
  const type = String(headers["content-type"] ?? "").replace(/;.*/, "");
  if (announced?.content === undefined) {
    expect(body).toBe("");
    return;
  }
  const media = announced.content[type];
  expect(media, `a type that is not announced: ${type}`).toBeDefined();
  if (!type.endsWith("json")) return;
  const result = checkerOf(media?.schema ?? {}).safeParse(JSON.parse(body));
  expect(result.error?.issues, body).toBeUndefined();
}

const checkers = new Map<string, z.ZodType>();

function checkerOf(schema: Schema): z.ZodType {
  const text = JSON.stringify(schema);
  const known = checkers.get(text);
  if (known !== undefined) return known;
  const made = z.fromJSONSchema(closed(resolved(schema)) as Parameters<typeof z.fromJSONSchema>[0]);
  checkers.set(text, made);
  return made;
}

/** With what is referred to in its place. */
function resolved(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(resolved);
  if (typeof schema !== "object" || schema === null) return schema;
  const { $ref } = schema as { $ref?: string };
  if ($ref !== undefined) return resolved(document.components.schemas[$ref.replace("#/components/schemas/", "")]);
  return Object.fromEntries(Object.entries(schema).map(([name, inner]) => [name, resolved(inner)]));
}

/** A field that the document does not name is no good either. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, one]) => [name, closed(one)]));
  return inner.type === "object" && inner.properties !== undefined ? { ...inner, additionalProperties: false } : inner;
}
