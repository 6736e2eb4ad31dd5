import { mergeLayers, type Snapshot } from "../../../../src/config/layers.ts";
import { Secret } from "../../../../src/config/secret.ts";
import { type ValueSchema, valueSchemaFile } from "../../../../src/config/value-schema.ts";

export function schemaOf(sections: Record<string, Record<string, object>>, strict = false): ValueSchema {
  return valueSchemaFile.parse({ strict, sections });
}

/** One file; each key stands in the line of its place in the list, and `secret` ones are Secrets. */
export function snapshotOf(values: Readonly<Record<string, string>>, secret: readonly string[] = []): Snapshot {
  const entries = Object.entries(values).map(([key, text], index) => ({
    path: key.split("."),
    value: secret.includes(key) ? new Secret(text) : text,
    origin: { source: "config.ini", file: "config.ini", line: index + 1 },
  }));
  return mergeLayers([{ source: "config.ini", protected: false, entries }], (text) => text);
}
