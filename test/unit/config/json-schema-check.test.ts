import fc from "fast-check";
import { expect, it } from "vitest";
import type { JsonTree } from "../../../src/config/json.ts";
import { compileSchema } from "../../../src/config/json-schema-check.ts";

const server: JsonTree = {
  type: "object",
  required: ["port"],
  additionalProperties: false,
  properties: {
    port: { type: "integer", minimum: 1, maximum: 65535 },
    mode: { enum: ["dev", "prod"] },
    mail: { type: "string", format: "email" },
    tags: { type: "array", items: { type: "string", pattern: "^[a-z]+$" } },
    tls: { type: "boolean" },
  },
};

it("says nothing against what fits", async () => {
  const check = await compileSchema(server);
  expect(check({ port: 80, mode: "dev", mail: "a@example.com", tags: ["a"], tls: true })).toEqual([]);
});

it("names every place that does not fit, in words that say nothing of the value", async () => {
  const check = await compileSchema(server);
  const found = check({ mode: "hunter2", mail: "hunter2", tags: ["a", "HUNTER2"], tls: "hunter2", extra: "hunter2" });
  const texts = found.map(({ path, message }) => `${path.join(".")} ${message}`);
  expect(texts.toSorted()).toEqual([
    "extra is not in the schema",
    "mail is not of the format email",
    "mode is not one of dev, prod",
    "port is missing",
    "tags.1 does not match the pattern ^[a-z]+$",
    "tls is not of the type boolean",
  ]);
  expect(texts.join()).not.toMatch(/hunter2/i);
});

it("takes texts for what they are written as, where asked to, and leaves the value as it is", async () => {
  const value = { port: "80", tls: "true" };
  expect((await compileSchema(server, { coerce: true }))(value)).toEqual([]);
  expect(value).toEqual({ port: "80", tls: "true" });
  expect((await compileSchema(server))(value)).toHaveLength(2);
  expect((await compileSchema(server, { coerce: true }))({ port: "eighty" })).toMatchObject([{ path: ["port"] }]);
});

it("knows the drafts 2020-12, 2019-09 and 07", async () => {
  const pair = { type: "array", minItems: 1 };
  const modern = { ...pair, prefixItems: [{ type: "string" }] };
  const former = { ...pair, items: [{ type: "string" }] };
  const kinds: [string | undefined, JsonTree][] = [
    [undefined, modern],
    ["https://json-schema.org/draft/2020-12/schema", modern],
    ["http://json-schema.org/draft/2020-12/schema#", modern],
    ["https://json-schema.org/draft/2019-09/schema", former],
    ["https://json-schema.org/draft-07/schema", former],
    ["http://json-schema.org/draft-07/schema#", former],
  ];
  for (const [$schema, list] of kinds) {
    const check = await compileSchema({ ...($schema !== undefined && { $schema }), properties: { list } });
    expect(check({ list: ["a"] }), $schema).toEqual([]);
    expect(check({ list: [1] }), $schema).toEqual([{ path: ["list", "0"], message: "is not of the type string" }]);
  }
});

it.each<[string, JsonTree]>([
  ["another draft", { $schema: "http://json-schema.org/draft-04/schema#" }],
  ["a $schema that is no text", { $schema: { toString: 1 } }],
  ["a $ref to elsewhere", { properties: { a: { $ref: "http://127.0.0.1:9/schema.json" } } }],
  ["a type that is none", { type: "text" }],
  ["a pattern that is none", { properties: { a: { pattern: "(" } } }],
  ["a schema that answers later", { $async: true }],
  ["too large a schema", { description: "x".repeat(300_000) }],
])("refuses %s", async (_, schema) => {
  await expect(compileSchema(schema)).rejects.toMatchObject({ code: "VALUE_INVALID" });
});

it("follows a $ref inside the schema, and the same $id may come twice", async () => {
  const schema = {
    $id: "https://example.com/s",
    $defs: { n: { type: "number" } },
    properties: { a: { $ref: "#/$defs/n" } },
  };
  for (const properties of [schema.properties, { b: { $ref: "#/$defs/n" } }])
    expect((await compileSchema({ ...schema, properties }))({ a: 1, b: "x" }).length).toBe("b" in properties ? 1 : 0);
});

it("follows a $ref to the schema itself, and is not misled by the names that another schema gives to its parts", async () => {
  const list = await compileSchema({ properties: { value: { type: "number" }, next: { $ref: "#" } } });
  expect(list({ next: { next: { value: "x" } } })).toMatchObject([{ path: ["next", "next", "value"] }]);
  await compileSchema({ $defs: { n: { $id: "https://example.com/n", type: "number" } } });
  await expect(compileSchema({ $ref: "https://example.com/n" })).rejects.toMatchObject({ code: "VALUE_INVALID" });
});

it("is not ended by what is nested deeply", async () => {
  const deep = (depth: number, key: string): JsonTree => {
    let tree: JsonTree = {};
    for (let level = 0; level < depth; level++) tree = { [key]: tree };
    return tree;
  };
  await expect(compileSchema(deep(50_000, "not"))).rejects.toMatchObject({ code: "VALUE_INVALID" });
  const list = await compileSchema({ properties: { next: { $ref: "#" } } });
  expect(list(deep(100, "next"))).toEqual([]);
  expect(() => list(deep(200_000, "next"))).toThrow(/nested too deeply/);
});

it("is not kept busy by a hostile pattern", async () => {
  const check = await compileSchema({ properties: { a: { pattern: "^(?=a)(a+)+$" }, b: { type: "number" } } });
  expect(() => check({ a: `${"a".repeat(60)}!` })).toThrow(/too long/);
  expect(check({ a: "aaa", b: "x" })).toHaveLength(1);
});

it("takes names such as constructor and __proto__ for what they are", async () => {
  const check = await compileSchema({ required: ["constructor", "toString"], properties: { a: { type: "string" } } });
  expect(check(JSON.parse('{"__proto__": {"constructor": 1, "toString": 1}}')).map(({ path }) => path)).toEqual([
    ["constructor"],
    ["toString"],
  ]);
});

it("tells of a long list of what may be written only so much", async () => {
  const check = await compileSchema({
    properties: { a: { enum: Array.from({ length: 1000 }, (_, n) => `choice-${n}`) } },
  });
  expect(check({ a: "x" })).toMatchObject([{ message: expect.stringMatching(/^is not one of choice-0, .{1,290}…$/) }]);
});

it("names places with slashes and tildes as they are", async () => {
  const check = await compileSchema({ properties: { "a/b~c": { type: "number" } } });
  expect(check({ "a/b~c": "x" })).toEqual([{ path: ["a/b~c"], message: "is not of the type number" }]);
});

it("never throws, and never lists without end, whatever the value is", async () => {
  const check = await compileSchema({
    ...server,
    properties: { ...(server.properties as JsonTree), list: { items: { type: "number" } } },
  });
  expect(check({ port: 1, list: Array.from({ length: 1000 }, () => "x") })).toHaveLength(20);
  fc.assert(fc.property(fc.jsonValue(), (value) => check(value as JsonTree).length <= 20));
});
