import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { toJsonSchema } from "../../../src/config/json-schema.ts";
import { valueSchemaFile } from "../../../src/config/value-schema.ts";
import { manifestJsonSchema } from "../../../src/services/manifest-schema.ts";
import { settingsSchema } from "../../../src/settings.ts";

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

test("the JSON Schema of schema.yaml accepts that of the preset, and no other type", () => {
  const check = ajv.compile(toJsonSchema(valueSchemaFile));
  expect(check(readYaml("presets", "websoft9", "schema.yaml"))).toBe(true);
  expect(check({ sections: { a: { b: { type: "color" } } } })).toBe(false);
});
