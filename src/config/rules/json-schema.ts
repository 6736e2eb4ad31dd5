import { ConfigSyncError } from "../../errors.ts";
import type { JsonTree } from "../json.ts";
import type { Mismatch, SchemaCheck } from "../json-schema-check.ts";
import type { Snapshot } from "../layers.ts";
import { formatPath } from "../path.ts";
import { reveal } from "../secret.ts";
import { filled, type Rule, type Violation } from "./rule.ts";

/** A section that has a JSON Schema fits it: as an object of its keys that are not empty. A section without a key is not looked at. */
export const jsonSchema: Rule = ({ snapshot, sections }) =>
  [...(sections ?? [])].flatMap(([section, check]) => {
    const values = valuesOf(section, snapshot);
    if (values === undefined) return [];
    return held(check, values).map((mismatch) => violationOf(mismatch, section, snapshot));
  });

/** Undefined where the section has no key. */
function valuesOf(section: string, snapshot: Snapshot): JsonTree | undefined {
  const own = [...snapshot.entries.values()].filter(({ path }) => path[0] === section && path.length === 2);
  if (own.length === 0) return undefined;
  const full = own.filter(({ path }) => filled(snapshot, formatPath(path)) !== undefined);
  return Object.fromEntries(full.map(({ path: [, name = ""], value }) => [name, reveal(value)]));
}

/** What cannot be checked in time is not used. */
function held(check: SchemaCheck, values: JsonTree): readonly Mismatch[] {
  try {
    return check(values);
  } catch (error) {
    if (error instanceof ConfigSyncError) return [{ path: [], message: `cannot be checked: ${error.message}` }];
    throw error;
  }
}

function violationOf({ path, message }: Mismatch, section: string, { entries }: Snapshot): Violation {
  const key = formatPath([section, ...path]);
  const neighbour = [...entries.values()].find((entry) => entry.path[0] === section);
  const place = entries.get(key)?.origin ?? { file: neighbour?.origin.file };
  const hint = `Its JSON Schema stands under json_schemas, for the section ${section}`;
  return { code: "VALUE_INVALID", severity: "error", key, place, message: `${key} ${message}`, hint };
}
