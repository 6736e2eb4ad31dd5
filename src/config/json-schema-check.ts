/**
 * Values held to a JSON Schema that somebody wrote: drafts 2020-12 (without `$schema`), 2019-09 and 07, formats included. Nothing is fetched, and
 * neither a schema nor a value can keep the process busy for longer than `patience`, whatever its patterns are.
 */
import { createContext, Script } from "node:vm";
import type { Ajv, ErrorObject, Options } from "ajv";
import { ConfigSyncError } from "../errors.ts";
import type { Json, JsonTree } from "./json.ts";

/** What a schema has against a value. */
export interface Mismatch {
  /** Segments from the root of the value on; for what is missing, or too much, with its own name. */
  readonly path: readonly string[];
  /** Completes the sentence "server.port …": `is not a number`. Never holds the value, which may be secret. */
  readonly message: string;
}

/** At most `most` of them. Throws VALUE_INVALID where it takes too long. The value stays as it is. */
export type SchemaCheck = (value: Json) => readonly Mismatch[];

export interface SchemaCheckOptions {
  /** Texts count as what the schema wants where they are written so: `"3000"` as a number, `"true"` as a boolean. */
  readonly coerce?: boolean;
}

/** Throws VALUE_INVALID for what is no JSON Schema, of another draft, with a `$ref` that leads out of it, or takes too long. */
export async function compileSchema(
  schema: JsonTree,
  { coerce = false }: SchemaCheckOptions = {},
): Promise<SchemaCheck> {
  if (JSON.stringify(schema).length > largest) throw noSchema(`it is larger than ${largest / 1024} KiB`);
  if (schema.$async !== undefined) throw noSchema("$async is not understood");
  const ajv = await compilerFor(draftOf(schema), coerce);
  const validate = bounded(() => compile(ajv, schema), "this JSON Schema takes too long to be read");
  return (value) => {
    const copy = coerce ? structuredClone(value) : value;
    const fits = bounded(() => validate(copy), "the values take too long to be held to their JSON Schema");
    return fits ? [] : (validate.errors ?? []).slice(0, most).map(mismatchOf);
  };
}

/** Characters of a schema as JSON. */
const largest = 256 * 1024;

/** Whoever has more to mend begins with these. */
const most = 20;

type Draft = "2020-12" | "2019-09" | "07";

function draftOf({ $schema }: JsonTree): Draft {
  if ($schema === undefined) return "2020-12";
  const draft = /^https?:\/\/json-schema\.org\/(?:draft\/(2020-12|2019-09)|draft-(07))\/schema#?$/.exec(
    String($schema),
  );
  const found = draft?.[1] ?? draft?.[2];
  if (found === "2020-12" || found === "2019-09" || found === "07") return found;
  throw noSchema("its $schema is none of the drafts 2020-12, 2019-09 and 07");
}

const compilers = new Map<string, Promise<Ajv>>();

/** One of each kind is kept: it has compiled the schema of schemas, which takes longer than most others. */
function compilerFor(draft: Draft, coerce: boolean): Promise<Ajv> {
  const kind = `${draft} ${coerce}`;
  const kept = compilers.get(kind) ?? createCompiler(draft, coerce);
  compilers.set(kind, kept);
  return kept;
}

async function createCompiler(draft: Draft, coerce: boolean): Promise<Ajv> {
  const options: Options = {
    allErrors: true,
    coerceTypes: coerce,
    // Names such as `constructor` are there only where somebody wrote them.
    ownProperties: true,
    strict: false,
    logger: false,
    addUsedSchema: false,
  };
  const [ajv, { default: formats }] = await Promise.all([loadAjv(draft, options), import("ajv-formats")]);
  formats.default(ajv);
  return ajv;
}

async function loadAjv(draft: Draft, options: Options): Promise<Ajv> {
  if (draft === "2020-12") return new (await import("ajv/dist/2020.js")).Ajv2020(options);
  if (draft === "2019-09") return new (await import("ajv/dist/2019.js")).Ajv2019(options);
  return new (await import("ajv")).Ajv(options);
}

function compile(ajv: Ajv, schema: JsonTree) {
  try {
    return ajv.compile(schema);
  } catch (cause) {
    // "schema is invalid: data/properties/a/type must be …, …": the first is enough.
    const [first = ""] = (cause as Error).message.replace(/^schema is invalid: data/, "").split(", ");
    throw noSchema(first, cause);
  } finally {
    // Else it would be kept for good.
    ajv.removeSchema(schema);
  }
}

/** Milliseconds. A check of ten thousand values takes a few of them. */
const patience = 1000;

const room = createContext({});
const call = new Script("run()");

/**
 * V8 ends what runs in a script when its time is up, in the middle of a pattern such as `(a+)+$`, too. Its linear engine for patterns
 * knows neither lookaheads nor Unicode. Costs 0.15 ms a call.
 */
function bounded<Result>(run: () => Result, otherwise: string): Result {
  try {
    return call.runInContext(Object.assign(room, { run }), { timeout: patience }) as Result;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw cause;
    const hint = "Simplify the patterns of the schema";
    throw new ConfigSyncError("VALUE_INVALID", `${otherwise} (over ${patience} ms)`, { hint, cause });
  }
}

function noSchema(why: string, cause?: unknown): ConfigSyncError {
  const hint = "Write a JSON Schema of draft 2020-12 or 07, with every $ref inside it";
  return new ConfigSyncError("VALUE_INVALID", `this is no JSON Schema that can be used: ${why}`, { hint, cause });
}

function mismatchOf({ instancePath, keyword, params, message = "" }: ErrorObject): Mismatch {
  const at = instancePath.split("/").slice(1).map(unescapePointer);
  const own = ownNames.map((name) => params[name]).find((name) => typeof name === "string");
  const path = typeof own === "string" && keyword in named ? [...at, own] : at;
  return { path, message: named[keyword] ?? sentences[keyword]?.(params) ?? `does not fit the schema: it ${message}` };
}

function unescapePointer(segment: string): string {
  return segment.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Where ajv says the name of the key that a mismatch is about. */
const ownNames = ["missingProperty", "additionalProperty", "unevaluatedProperty", "propertyName"];

const named: Readonly<Record<string, string>> = {
  required: "is missing",
  additionalProperties: "is not in the schema",
  unevaluatedProperties: "is not in the schema",
  propertyNames: "has a name that the schema does not allow",
};

type Sentence = (params: ErrorObject["params"]) => string;

/** What ajv says itself would do, but not beside the messages of the other rules. */
const sentences: Readonly<Record<string, Sentence>> = {
  type: ({ type }) => `is not of the type ${[type].flat().join(" or ")}`,
  enum: ({ allowedValues }) => `is not one of ${(allowedValues as Json[]).map((value) => shown(value)).join(", ")}`,
  const: ({ allowedValue }) => `is not ${shown(allowedValue as Json)}`,
  minimum: ({ limit }) => `is less than ${limit}`,
  maximum: ({ limit }) => `is more than ${limit}`,
  exclusiveMinimum: ({ limit }) => `is not more than ${limit}`,
  exclusiveMaximum: ({ limit }) => `is not less than ${limit}`,
  multipleOf: ({ multipleOf }) => `is not a multiple of ${multipleOf}`,
  minLength: ({ limit }) => `has fewer than ${limit} characters`,
  maxLength: ({ limit }) => `has more than ${limit} characters`,
  minItems: ({ limit }) => `has fewer than ${limit} items`,
  maxItems: ({ limit }) => `has more than ${limit} items`,
  minProperties: ({ limit }) => `has fewer than ${limit} keys`,
  maxProperties: ({ limit }) => `has more than ${limit} keys`,
  uniqueItems: () => "has an item twice",
  pattern: ({ pattern }) => `does not match the pattern ${pattern}`,
  format: ({ format }) => `is not of the format ${format}`,
};

/** A value of the schema itself. */
function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
