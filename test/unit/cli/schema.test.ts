import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { toJsonSchema } from "../../../src/config/json-schema.ts";
import { valueSchemaFile } from "../../../src/config/value-schema.ts";
import { manifestJsonSchema } from "../../../src/services/manifest-schema.ts";
import { settingsSchema } from "../../../src/settings.ts";
import { readEnvironment } from "../../../src/sources/environment-document.ts";
import { environmentFile } from "../../../src/sources/environment-schema.ts";

const templates = join(import.meta.dirname, "../../../templates");
const services = readdirSync(templates).filter((name) => name !== "presets");
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

function readYaml(...file: string[]): Record<string, unknown> {
  return parse(readFileSync(join(templates, ...file), "utf8"));
}

describe("the JSON Schema of service.yaml", () => {
  const check = ajv.compile(manifestJsonSchema());

  test.each(services)("accepts that of %s", (name) => {
    check(readYaml(name, "service.yaml"));
    expect(check.errors).toBeNull();
  });

  test.each<[what: string, change: object]>([
    ["a setting that there is not", { outptus: [] }],
    ["a kind of reload that there is not", { reload: [{ telepathy: true }] }],
    ["a field that a kind has not", { reload: [{ http: { url: "http://a", methd: "PUT" } }] }],
    ["a probe without its address", { probe: { http: {} } }],
    ["another way out", { on_failure: "panic" }],
  ])("refuses %s", (_, change) => {
    expect(check({ ...readYaml("gitea", "service.yaml"), ...change })).toBe(false);
  });

  test("accepts a template wherever a reload or probe has a value", () => {
    const probe = { tcp: { host: "{{urls.a}}", port: "{{gitea.http_port}}" } };
    check({ ...readYaml("gitea", "service.yaml"), probe });
    expect(check.errors).toBeNull();
  });
});

describe("the JSON Schema of config-sync.yaml", () => {
  const check = ajv.compile(toJsonSchema(settingsSchema));

  test.each(["minimal", "websoft9"])("accepts that of the preset %s", (name) => {
    check(readYaml("presets", name, "config-sync.yaml"));
    expect(check.errors).toBeNull();
  });

  test.each<[what: string, change: object]>([
    ["a setting that there is not", { sevices: [] }],
    ["one inside a part", { sync: { quite: "1s" } }],
    ["a level that there is not", { log: { level: "loud" } }],
    ["no sources", { sources: undefined }],
  ])("refuses %s", (_, change) => {
    const written = JSON.parse(JSON.stringify({ ...readYaml("presets", "minimal", "config-sync.yaml"), ...change }));
    expect(check(written)).toBe(false);
  });
});

describe("the JSON Schema of environment.yaml", () => {
  const check = ajv.compile(toJsonSchema(environmentFile));
  const isRead = (text: string): boolean => {
    try {
      return readEnvironment(text).length >= 0;
    } catch {
      return false;
    }
  };

  test.each([
    ["a preset", readFileSync(join(templates, "presets/minimal/environment.yaml"), "utf8"), true],
    [
      "all parts",
      'variables: { A: b, N: 1 }\nmappings: { "M_*": m.* }\nservices: { shop: { variables: { B: true } } }',
      true,
    ],
    ["parts without a line", "variables:\nmappings:\nservices:\n  shop:\n", true],
    ["another part", "vars: { A: b }", false],
    ["a list of variables", "variables: [A]", false],
    ["a list as a value", "variables: { A: [b] }", false],
    ["a variable without a value", "variables: { A: }", false],
    ["a name with a blank", 'variables: { "A B": c }', false],
    ["a star in a variable", 'variables: { "A*": c }', false],
    ["the name of no service", "services: { Shop: { variables: { A: b } } }", false],
    ["variables right under services", "services: { variables: { A: b } }", false],
  ])("says what the reader says of %s", (_, text, isTaken) => {
    expect([check(parse(text)), isRead(text)]).toEqual([isTaken, isTaken]);
  });
});

test("the JSON Schema of schema.yaml accepts that of the preset, and no other type", () => {
  const check = ajv.compile(toJsonSchema(valueSchemaFile));
  expect(check(readYaml("presets", "websoft9", "schema.yaml"))).toBe(true);
  expect(check({ sections: { a: { b: { type: "color" } } } })).toBe(false);
});
