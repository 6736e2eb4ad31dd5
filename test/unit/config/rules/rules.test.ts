import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkValues, violationError } from "../../../../src/config/rules/index.ts";
import { secretKeys, type ValueSchema, valueSchemaFile } from "../../../../src/config/value-schema.ts";
import { schemaOf, snapshotOf } from "./support.ts";

function messages(schema: ValueSchema, values: Record<string, string>): string[] {
  return checkValues({ schema, snapshot: snapshotOf(values) }).map((found) => violationError(found).toText());
}

describe("the type of a value", () => {
  const schema = schemaOf({
    app: {
      port: { type: "port", description: "where the app listens" },
      level: { type: "enum", values: ["low", 2, true] },
      name: { min: 2, max: 4 },
      wait: { type: "duration", min: "1m", max: "1h30m" },
      share: { type: "number", min: 0, max: 0.5 },
      langs: { type: "list", min: 2 },
    },
  });

  test("is told with key, place and what it is to be", () => {
    expect(messages(schema, { "app.name": "abc", "app.port": "often" })).toEqual([
      "config.ini:2: app.port is not a port: a whole number from 1 to 65535. It is to be: where the app listens",
    ]);
  });

  test.each([
    ["app.level", "high", "is not one of low, 2, true"],
    ["app.name", "a", "has fewer than 2 characters"],
    ["app.name", "🙂🙂🙂🙂🙂", "has more than 4 characters"],
    ["app.wait", "59s", "is shorter than 1m"],
    ["app.wait", "1h31m", "is longer than 1h30m"],
    ["app.share", "-0.1", "is less than 0"],
    ["app.share", "0.51", "is more than 0.5"],
    ["app.langs", "en", "has fewer than 2 items"],
  ])("%s = %s %s", (key, value, problem) => {
    expect(messages(schema, { [key]: value })).toEqual([`config.ini:1: ${key} ${problem}. Correct the value`]);
  });

  test.each([
    { "app.level": "2", "app.name": "🙂🙂🙂🙂", "app.wait": "1h30m", "app.share": "0.5", "app.langs": "en,de" },
    { "app.level": "", "app.name": " ", "app.wait": "", "app.share": "", "app.langs": "", "app.port": "" },
    { "other.key": "anything", "app.unknown": "" },
  ])("is nobody's business where it fits, is empty or has no schema", (values) => {
    expect(messages(schema, values)).toEqual([]);
  });

  test("is judged anew for another value in the same place, and for the same value by another schema", () => {
    expect(messages(schema, { "app.name": "abc" })).toEqual([]);
    expect(messages(schema, { "app.name": "a" })).toHaveLength(1);
    const snapshot = snapshotOf({ "app.name": "abc" });
    expect(checkValues({ schema, snapshot })).toEqual([]);
    expect(checkValues({ schema: schemaOf({ app: { name: { min: 4 } } }), snapshot })).toHaveLength(1);
  });

  test("everything is told at once, and no value in it", () => {
    const planted = { "app.port": "planted1", "app.level": "planted2", "app.name": "planted3", "app.wait": "planted4" };
    const found = messages(schema, planted);
    expect(found).toHaveLength(4);
    expect(found.join("\n")).not.toContain("planted");
  });
});

describe("what is required", () => {
  const schema = schemaOf({ app: { always: { required: true }, here: { required: "section" }, other: {} } });

  test("is missed, also where the section is gone; or only where the section is in use", () => {
    expect(messages(schema, { "b.c": "1" })).toEqual(["app.always is missing. Give it a value"]);
    expect(messages(schema, { "app.other": "" })).toEqual([
      "config.ini: app.always is missing. Give it a value",
      "config.ini: app.here is missing. Give it a value",
    ]);
  });

  test("may not be empty", () => {
    expect(messages(schema, { "app.always": " ", "app.here": "x" })).toEqual([
      "config.ini:1: app.always is empty. Give it a value",
    ]);
  });
});

describe("keys that belong together", () => {
  const schema = schemaOf({ tls: { cert: { needs: ["key"] }, key: { needs: ["tls.cert"] } } });

  test("have values together or not at all", () => {
    expect(messages(schema, { "tls.cert": "/c", "tls.key": "/k" })).toEqual([]);
    expect(messages(schema, { "tls.cert": "", "tls.key": "" })).toEqual([]);
    expect(messages(schema, { "tls.cert": "/c" })).toEqual([
      "config.ini:1: tls.cert needs tls.key, which has no value. Give tls.key a value, or leave both empty",
    ]);
    expect(messages(schema, { "tls.cert": "", "tls.key": "/k" })).toEqual([
      "config.ini:2: tls.key needs tls.cert, which has no value. Give tls.cert a value, or leave both empty",
    ]);
  });
});

describe("ports", () => {
  const schema = schemaOf({
    a: { port: { type: "port" }, number: { type: "integer" } },
    b: { port: { type: "port" } },
    c: { port: { type: "port", network: "container" } },
  });

  test("of one network differ", () => {
    expect(messages(schema, { "a.port": "80", "b.port": "80", "c.port": "80", "a.number": "80" })).toEqual([
      "config.ini:2: b.port is the same port as a.port. Choose another port",
    ]);
    expect(messages(schema, { "a.port": "80", "b.port": "81", "c.port": "80" })).toEqual([]);
    expect(messages(schema, { "a.port": "", "b.port": "" })).toEqual([]);
  });

  test("any two keys with the same port make one finding each beyond the first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 30 }), (numbers) => {
        const keys = numbers.map((number, index) => [`p${index}`, number] as const);
        const wide = schemaOf({ s: Object.fromEntries(keys.map(([key]) => [key, { type: "port" }])) });
        const values = Object.fromEntries(keys.map(([key, number]) => [`s.${key}`, `${number}`]));
        expect(messages(wide, values)).toHaveLength(numbers.length - new Set(numbers).size);
      }),
    );
  });
});

describe("a strict schema", () => {
  test("leaves the variables of the environment alone", () => {
    const snapshot = snapshotOf({ "app.port": "1", "environment.TZ": "UTC" });
    const entries = [...snapshot.entries].map(([key, entry]) => {
      return [key, { ...entry, isEnvironment: key.startsWith("environment") }] as const;
    });
    const schema = schemaOf({ app: { port: {} } }, true);
    expect(checkValues({ schema, snapshot })).toHaveLength(1);
    expect(checkValues({ schema, snapshot: { ...snapshot, entries: new Map(entries) } })).toEqual([]);
  });

  test("has every key", () => {
    const sections = { app: { port: {} } };
    const values = { "app.port": "1", "app.prot": "1", "[a.b].c": "1" };
    expect(messages(schemaOf(sections), values)).toEqual([]);
    expect(messages(schemaOf(sections, true), { "app.port": "1", "app.prot": "1" })).toEqual([
      "config.ini:2: app.prot is not in the schema. Correct the name, remove it, or add it to the schema",
    ]);
  });
});

describe("the schema itself", () => {
  test.each([
    ["a type that there is not", { type: "color" }, /Invalid option/],
    ["an enum without values", { type: "enum" }, /must say what an enum may be/],
    ["values without an enum", { values: ["a"] }, /goes with type: enum/],
    ["a bound that is none", { type: "duration", min: 5 }, /is no bound for the type duration/],
    ["a length in words", { max: "long" }, /is no bound for the type text/],
    ["a private key of no certificate", { private_key: "key" }, /goes with type: certificate/],
    ["a strength off the scale", { strength: 5 }, /Too big/],
    ["a network of no port", { network: "host" }, /goes with type: port/],
    ["a partner that it does not know", { needs: ["nothing"] }, /names \S+nothing\S+, which has no schema/],
    ["a setting that there is not", { tpye: "port" }, /Unrecognized key/],
  ])("is refused with %s", (_, key, message) => {
    expect(() => schemaOf({ app: { key } })).toThrow(message);
  });

  test("is refused with a key in capitals, which no file could give", () => {
    expect(() => schemaOf({ app: { Key: {} } })).toThrow(/small letters/);
  });

  test("takes sections with hostile names as names", () => {
    const sections = JSON.parse(
      '{"__proto__": {"a": {"type": "port"}}, "constructor": {"b": {}}, "a.b": {"c": {"secret": true}}}',
    );
    const schema = valueSchemaFile.parse({ sections });
    expect(schema.keys.map(({ key }) => key)).toContain("constructor.b");
    expect(secretKeys(schema)).toEqual(["[a.b].c"]);
    expect({}).not.toHaveProperty("a");
  });
});
