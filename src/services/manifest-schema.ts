/** The JSON Schema of service.yaml: the manifest's own, with the fields of every kind of reload and probe. */
import { type JsonSchema, toJsonSchema } from "../config/json-schema.ts";
import { probes } from "../probe/index.ts";
import { reloads } from "../reload/index.ts";
import { type Kind, manifestShape } from "./manifest.ts";

export function manifestJsonSchema(): JsonSchema {
  const shape = toJsonSchema(manifestShape);
  const ofReloads = addKinds("reload", Object(shape.properties?.reload).items, reloads);
  const ofProbes = addKinds("probe", Object(shape.properties?.probe), probes);
  return { ...shape, $defs: { ...ofReloads, ...ofProbes } };
}

/** `none: true`, `http: { url: … }`: a property a kind. Returns the definitions that these refer to. */
function addKinds(room: string, schema: JsonSchema, kinds: readonly Kind[]): NonNullable<JsonSchema["$defs"]> {
  const defs: NonNullable<JsonSchema["$defs"]> = {};
  const specs = kinds.map((kind) => {
    const { $schema: _, $defs = {}, ...spec } = withOwnNames(toJsonSchema(kind.schema), `${room}-${kind.kind}`);
    Object.assign(defs, $defs);
    return [kind.kind, allowTemplates(spec)] as const;
  });
  schema.properties = { ...schema.properties, ...Object.fromEntries(specs) };
  schema.additionalProperties = false;
  return defs;
}

/** Definitions are numbered from 0 in every schema: in one document they need a name of their own. */
function withOwnNames({ $defs, ...schema }: JsonSchema, prefix: string): JsonSchema {
  if ($defs === undefined) return schema;
  const renamed = Object.entries($defs).map(([name, definition]) => [`${prefix}-${name}`, definition]);
  const text = JSON.stringify({ ...schema, $defs: Object.fromEntries(renamed) });
  return JSON.parse(text.replaceAll('"#/$defs/', `"#/$defs/${prefix}-`));
}

/** A field of a reload or probe may hold `{{…}}`, whatever it becomes when that is filled in. */
function allowTemplates(spec: JsonSchema): JsonSchema {
  const fields = Object.entries(spec.properties ?? {}).map(([name, field]) => [
    name,
    { anyOf: [field, { type: "string", pattern: "\\{\\{" }] },
  ]);
  return { ...spec, ...(fields.length > 0 && { properties: Object.fromEntries(fields) }) };
}
