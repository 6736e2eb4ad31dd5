import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { JsonTree } from "./json.ts";
import type { SchemaCheck } from "./json-schema-check.ts";
import type { ValueSchema } from "./value-schema.ts";

/**
 * The sections that a workspace describes by JSON Schemas, ready to be held to them. Throws SETTINGS_INVALID for a file that holds none,
 * and what `read` throws.
 */
export async function compileSections(
  schema: ValueSchema | undefined,
  read: (file: string) => JsonTree,
): Promise<ReadonlyMap<string, SchemaCheck>> {
  if (schema === undefined || schema.jsonSchemas.length === 0) return new Map();
  const { compileSchema } = await import("./json-schema-check.ts");
  const compiled = schema.jsonSchemas.map(async ({ section, file }) => {
    const written = read(file);
    const check = await compileSchema(written, { coerce: true }).catch((error: unknown) => refuse(error, file));
    return [section, check] as const;
  });
  return new Map(await Promise.all(compiled));
}

function refuse(error: unknown, file: string): never {
  const { message, hint } = asConfigSyncError(error);
  throw new ConfigSyncError("SETTINGS_INVALID", message, { place: { file }, hint, cause: error });
}
