/** An app's own JSON Schema, which every write is held to. */
import type { JsonTree } from "../config/json.ts";
import type { SchemaCheck } from "../config/json-schema-check.ts";
import { formatPath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";

interface Held {
  readonly data: JsonTree;
  readonly schema: JsonTree | undefined;
}

/** Empty where all is well. Throws VALUE_INVALID for a schema that is none. */
export async function whatMisfits({ data, schema }: Held): Promise<readonly ConfigSyncError[]> {
  if (schema === undefined) return [];
  const found = (await checkOf(schema))(data);
  return found.map(({ path, message }) => {
    const key = formatPath(path);
    return new ConfigSyncError("VALUE_INVALID", `${key || "the configuration"} ${message}`, {
      ...(key !== "" && { key }),
      hint: "The schema of the app says what it must be",
    });
  });
}

/** Throws VALUE_INVALID with the first key and all the messages. */
export async function refuseMisfit(held: Held): Promise<void> {
  const [first, ...rest] = await whatMisfits(held);
  if (first === undefined) return;
  const message = [first, ...rest].map((error) => error.message).join("; ");
  throw new ConfigSyncError("VALUE_INVALID", message, { key: first.key, hint: first.hint });
}

const checks = new WeakMap<JsonTree, Promise<SchemaCheck>>();

/** A schema is compiled once, as long as the app has it; again where it took too long on a busy machine. Loaded with the first: most apps have none. */
function checkOf(schema: JsonTree): Promise<SchemaCheck> {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const made = import("../config/json-schema-check.ts").then(({ compileSchema }) => compileSchema(schema));
  checks.set(schema, made);
  made.catch(() => checks.delete(schema));
  return made;
}
