import type { ZodType } from "zod";
import type { JsonSchema } from "../config/json-schema.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const schema: Command = {
  name: "schema",
  argument: "<file>",
  summary: "print the JSON Schema of a YAML file that you write",
  help: `
For editors, which complete and check with it. FILE is settings
(config-sync.yaml), service (service.yaml), values (schema.yaml) or environment
(environment.yaml). It needs no workspace.

Examples:
  config-sync schema settings > settings.schema.json
  config-sync schema service > service.schema.json

Then, in the first line of config-sync.yaml, for editors with a YAML language
server:
  # yaml-language-server: $schema=settings.schema.json

Exit codes: 0 printed, 64 there is no such file.`,
  run: runSchema,
};

async function runSchema(call: Call): Promise<number> {
  const { ConfigSyncError } = await import("../errors.ts");
  const found = Object.entries(files).find(([name]) => name === call.argument);
  if (found === undefined)
    throw new ConfigSyncError("USAGE", `there is no schema "${call.argument}"`, {
      hint: `Write ${Object.keys(files).join(", ")}`,
    });
  call.print(JSON.stringify(await found[1](), null, 2));
  return exitCodes.ok;
}

const files = {
  settings: async () => jsonSchema((await import("../settings.ts")).settingsSchema),
  service: async () => (await import("../services/manifest-schema.ts")).manifestJsonSchema(),
  values: async () => jsonSchema((await import("../config/value-schema.ts")).valueSchemaFile),
  environment: async () => jsonSchema((await import("../sources/environment-schema.ts")).environmentFile),
};

async function jsonSchema(schema: ZodType): Promise<JsonSchema> {
  return (await import("../config/json-schema.ts")).toJsonSchema(schema);
}
