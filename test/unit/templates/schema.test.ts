import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkValues } from "../../../src/config/rules/index.ts";
import { valueSchemaFile } from "../../../src/config/value-schema.ts";
import { parseCheckedYaml } from "../../../src/formats/checked-yaml.ts";
import { readPreset, readValues, templates } from "./preset.ts";

describe("the schema of the preset websoft9", async () => {
  const file = join(templates, "presets/websoft9/schema.yaml");
  const { config, full, inputs } = await readPreset("websoft9");
  const { value: schema } = parseCheckedYaml(await readFile(file, "utf8"), valueSchemaFile, {
    file,
    code: "SETTINGS_INVALID",
  });

  test.each([
    ["what it comes with", config],
    ["all that it offers", full],
  ])("accepts %s, and knows every key of it", async (_, text) => {
    const { snapshot } = inputs(await readValues(text));
    expect(checkValues({ schema: { ...schema, strict: true }, snapshot })).toEqual([]);
  });

  test("wants the ports of the console and of Cockpit to differ", async () => {
    const { snapshot } = inputs(await readValues(config.replace("port = 9090", "port = 9000")));
    expect(checkValues({ schema, snapshot })).toMatchObject([{ key: "cockpit.port", severity: "error" }]);
  });
});
