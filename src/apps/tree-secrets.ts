/** What an app's own JSON Schema says is secret: `"writeOnly": true`, or `"format": "password"`. Pure. */
import { isTree, type Json, type JsonTree } from "../config/json.ts";
import { valueAt } from "../config/json-tree.ts";
import type { Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";

/** What is secret in an app by its name, or by the schema that it has. */
export function secretIn(schema: JsonTree | undefined, isSecretName: PathTest): PathTest {
  return (path) => isSecretName(path) || secretBySchema(schema, path);
}

/** Whether the schema of the path, or of what it is in, says so. */
export function secretBySchema(schema: JsonTree | undefined, path: Path): boolean {
  if (schema === undefined) return false;
  const known = knownOf(schema);
  let place = known.root;
  for (const key of path) {
    place = placeBelow(place, key, known);
    if (place.isSecret) return true;
  }
  return false;
}

/** What is at one place of the tree, as far as its schemas tell, and what was found out of the places below it. */
interface Place {
  readonly parts: readonly JsonTree[];
  readonly isSecret: boolean;
  readonly below: Map<string, Place>;
}

interface Known {
  readonly schema: JsonTree;
  readonly root: Place;
  /** How many places may still be remembered. */
  room: number;
}

/** It is asked of every value that is shown. */
const remembered = new WeakMap<JsonTree, Known>();

function knownOf(schema: JsonTree): Known {
  const found = remembered.get(schema) ?? { schema, root: placeOf([schema], schema), room: 1000 };
  remembered.set(schema, found);
  return found;
}

function placeBelow(place: Place, key: string, known: Known): Place {
  const kind = kindOf(place, key);
  const found = place.below.get(kind);
  if (found !== undefined) return found;
  const made = placeOf(membersOf(place, key), known.schema);
  if (known.room-- > 0) place.below.set(kind, made);
  return made;
}

/** Keys that no schema names are all alike. */
function kindOf({ parts }: Place, key: string): string {
  if (parts.some((part) => namesIn(part, key))) return `.${key}`;
  return isIndex(key) ? "#" : "*";
}

/**
 * Schemas that one place may have. Where there are more nobody can say: it is masked, and nobody waits until all are looked at (a schema
 * that refers to itself in three ways has 3^n of them n levels down).
 */
const most = 200;

function placeOf(schemas: Iterable<Json | undefined>, root: JsonTree): Place {
  const parts = withReferred(schemas, root);
  return { parts, isSecret: parts.length > most || parts.some(saysSecret), below: new Map() };
}

function saysSecret({ writeOnly, format }: JsonTree): boolean {
  return writeOnly === true || format === "password";
}

/** The schemas with all that they refer to, each once. */
function withReferred(schemas: Iterable<Json | undefined>, root: JsonTree): readonly JsonTree[] {
  const found = new Set<JsonTree>();
  const add = (schemas: Iterable<Json | undefined>): void => {
    for (const schema of schemas) {
      if (found.size > most) return;
      if (isTree(schema)) found.add(schema);
    }
  };
  add(schemas);
  for (const schema of found) add(referredBy(schema, root));
  return [...found];
}

const several = ["allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies"];
const single = ["if", "then", "else"];
const references = ["$ref", "$dynamicRef", "$recursiveRef"];

function* referredBy(schema: JsonTree, root: JsonTree): Generator<Json | undefined> {
  for (const name of several) yield* Object.values(schema[name] ?? {});
  for (const name of single) yield schema[name];
  for (const name of references) {
    const reference = schema[name];
    if (typeof reference === "string") yield referred(reference, root);
  }
}

/** What is referred to in another way than by its place (`#name`, an `$id`) might be secret. */
function referred(reference: string, root: JsonTree): Json {
  const [, place] = /^#((?:\/.*)?)$/s.exec(reference) ?? [];
  const segments = place?.split("/").slice(1);
  const found = segments && valueAt(root, segments.map(unescapePointer));
  return found ?? { writeOnly: true };
}

function unescapePointer(segment: string): string {
  return segment.replaceAll("~1", "/").replaceAll("~0", "~");
}

const ofOthers = ["additionalProperties", "unevaluatedProperties"];
const ofItems = ["items", "prefixItems", "additionalItems", "unevaluatedItems", "contains"];

/** Whatever may apply to a key counts, also where only one of several alternatives does: rather too much is masked than too little. */
function* membersOf({ parts }: Place, key: string): Generator<Json | undefined> {
  for (const part of parts) {
    const { properties, patternProperties } = part;
    if (namesIn(part, key)) yield (properties as JsonTree)[key];
    else {
      if (isTree(patternProperties)) for (const pattern in patternProperties) yield patternProperties[pattern];
      for (const name of ofOthers) yield part[name];
      if (isIndex(key)) for (const name of ofItems) yield* [part[name] ?? []].flat() as readonly Json[];
    }
  }
}

function namesIn({ properties }: JsonTree, key: string): boolean {
  return isTree(properties) && Object.hasOwn(properties, key);
}

function isIndex(key: string): boolean {
  return /^\d+$/.test(key);
}
