import { describe, expect, test } from "vitest";
import { compileSchema } from "../../../../src/config/json-schema-check.ts";
import { checkValues, violationError } from "../../../../src/config/rules/index.ts";
import { valueSchemaFile } from "../../../../src/config/value-schema.ts";
import { snapshotOf } from "./support.ts";

describe("a section with a JSON Schema", async () => {
  const schema = valueSchemaFile.parse({ strict: true, json_schemas: { app: "app.json" } });
  const check = await compileSchema(
    {
      required: ["port"],
      additionalProperties: false,
      properties: { port: { type: "integer" }, tls: { type: "boolean" }, pwd: { pattern: "^(?=a)(a+)+$" } },
    },
    { coerce: true },
  );
  const found = (values: Record<string, string>) =>
    checkValues({ schema, snapshot: snapshotOf(values, ["app.pwd"]), sections: new Map([["app", check]]) });
  const texts = (values: Record<string, string>) => found(values).map((one) => violationError(one).toText());

  test("has its texts taken for what the schema wants them to be, and empty ones for none", () => {
    expect(found({ "app.port": "80", "app.tls": "true", "app.pwd": "" })).toEqual([]);
  });

  test("is told with key, place and where the schema stands", () => {
    expect(texts({ "app.tls": "planted", "app.other": "x" })).toEqual([
      "config.ini: app.port is missing. Its JSON Schema stands under json_schemas, for the section app",
      "config.ini:1: app.tls is not of the type boolean. Its JSON Schema stands under json_schemas, for the section app",
      "config.ini:2: app.other is not in the schema. Its JSON Schema stands under json_schemas, for the section app",
    ]);
  });

  test("counts an empty value as missing, at its place", () => {
    expect(found({ "app.tls": "true", "app.port": " " })).toMatchObject([{ key: "app.port", place: { line: 2 } }]);
  });

  test("is not looked at where it has no key, and a strict schema leaves its keys to it", () => {
    expect(found({ "other.key": "x" })).toMatchObject([{ key: "other.key", severity: "error" }]);
  });

  test("is refused where it cannot be checked in time", () => {
    const value = `${"a".repeat(60)}!`;
    expect(texts({ "app.port": "1", "app.pwd": value })).toEqual([
      expect.stringMatching(/app cannot be checked: .*long/),
    ]);
  });
});
