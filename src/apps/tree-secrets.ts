/** What an app's own JSON Schema says is secret: `"writeOnly": true`, or `"format": "password"`. Pure. */
import { isTree, type Json, type JsonTree } from "../config/json.ts";
import { valueAt } from "../config/json-tree.ts";
import type { Path } from "../config/path.ts";

/** Whether the schema of the path, or of what it is in, says so. */
export function secretBySchema(schema: JsonTree | undefined, path: Path): boolean {
  if (schema === undefined) return false;
  let parts: readonly JsonTree[] = [schema];
  for (const key of path) {
    parts = parts.flatMap((part) => expand(part, schema)).flatMap((part) => memberOf(part, key));
    if (parts.flatMap((part) => expand(part, schema)).some(saysSecret)) return true;
  }
  return false;
}

function saysSecret({ writeOnly, format }: JsonTree): boolean {
  return writeOnly === true || format === "password";
}

/** Whatever may apply to a key counts, also where only one of several alternatives does: rather too much is masked than too little. */
function memberOf(part: JsonTree, key: string): JsonTree[] {
  const { properties, patternProperties, additionalProperties, items, prefixItems } = part;
  if (isTree(properties) && Object.hasOwn(properties, key)) return trees([properties[key]]);
  const ofList = /^\d+$/.test(key) ? [items, prefixItems].flat() : [];
  return trees([
    ...(isTree(patternProperties) ? Object.values(patternProperties) : []),
    additionalProperties,
    ...(ofList as Json[]),
  ]);
}

const alternatives = ["allOf", "anyOf", "oneOf"];
const single = ["if", "then", "else"];
/** Schemas that one place may have, so that references to themselves come to an end. */
const most = 200;

/** The schema with all that it refers to. */
function expand(part: JsonTree, root: JsonTree): readonly JsonTree[] {
  const found = new Set([part]);
  for (const one of found) {
    if (found.size > most) break;
    const lists = alternatives.flatMap((name) => one[name] ?? []) as Json[];
    const named = single.map((name) => one[name]);
    for (const next of trees([...lists, ...named, referred(one.$ref, root)])) found.add(next);
  }
  return [...found];
}

function referred(reference: Json | undefined, root: JsonTree): Json | undefined {
  if (reference === "#") return root;
  if (typeof reference !== "string" || !reference.startsWith("#/")) return undefined;
  const segments = reference.slice(2).split("/");
  return valueAt(
    root,
    segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~")),
  );
}

function trees(values: readonly (Json | undefined)[]): JsonTree[] {
  return values.filter(isTree);
}
