import { z } from "zod";

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** What may be written where a schema is asked for, as JSON Schema: for editors, which then complete and underline. */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === "object" && jsonSchema.required !== undefined)
        jsonSchema.required = jsonSchema.required.filter((key) => !mayBeMissing(def.shape[key]));
    },
  });
}

function mayBeMissing(field: z.core.$ZodType | undefined): boolean {
  return field !== undefined && z.safeParse(field, undefined).success;
}
