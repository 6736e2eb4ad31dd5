/**
 * Values held to a JSON Schema that somebody wrote: drafts 2020-12 (without `$schema`), 2019-09 and 07, formats included. Nothing is fetched, and
 * neither a schema nor a value can keep the process busy for longer than `patience`, whatever its patterns are.
 */
import { createContext, Script } from "node:vm";
import type { Ajv, ErrorObject, Options, ValidateFunction } from "ajv";
import { ConfigSyncError } from "../errors.ts";
import type { Json, JsonTree } from "./json.ts";
import { formatPath } from "./path.ts";

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
  const { judge, compile } = await compilerFor(draftOf(schema));
  const validate = bounded("this JSON Schema", () => {
    if (JSON.stringify(schema).length > largest) throw noSchema(`it is larger than ${largest / 1024} KiB`);
    if (schema.$async !== undefined) throw noSchema("$async is not understood");
    const [fault] = judge(schema);
    if (fault !== undefined) throw noSchema(`${formatPath(fault.path) || "it"} ${fault.message}`);
    return compile(schema, coerce);
  });
  return (value) =>
    bounded("what is held to a JSON Schema", () => {
      const copy = coerce ? structuredClone(value) : value;
      return validate(copy) ? [] : (validate.errors ?? []).slice(0, most).map(mismatchOf);
    });
}

/** Characters of a schema as JSON. */
const largest = 256 * 1024;

/** Whoever has more to mend begins with these. */
const most = 20;

/** Characters of a message: a pattern, or a list of what may be written, can be of any length. */
const longest = 300;

type Draft = "2020-12" | "2019-09" | "07";

const draftForm = /^https?:\/\/json-schema\.org\/(?:draft\/(2020-12|2019-09)|draft-(07))\/schema#?$/;

function draftOf({ $schema }: JsonTree): Draft {
  if ($schema === undefined) return "2020-12";
  const [, newer, older] = (typeof $schema === "string" && draftForm.exec($schema)) || [];
  const found = newer ?? older;
  if (found === "2020-12" || found === "2019-09" || found === "07") return found;
  throw noSchema("its $schema is none of the drafts 2020-12, 2019-09 and 07");
}

interface Compiler {
  /** What the schema of schemas has against one. */
  readonly judge: (schema: JsonTree) => readonly Mismatch[];
  readonly compile: (schema: JsonTree, coerce: boolean) => ValidateFunction;
}

const compilers = new Map<Draft, Promise<Compiler>>();

/** The schema of schemas is compiled once, which takes longer than most others. */
function compilerFor(draft: Draft): Promise<Compiler> {
  const kept = compilers.get(draft) ?? createCompiler(draft);
  compilers.set(draft, kept);
  return kept;
}

async function createCompiler(draft: Draft): Promise<Compiler> {
  const [make, { default: formats }] = await Promise.all([loadAjv(draft), import("ajv-formats")]);
  const judging = make({ strict: false, logger: false });
  // Now, as nothing ends it half way here: ajv does not recover from that.
  judging.validateSchema({});
  return {
    // It is told which draft by being made for it: ajv knows each by one of several spellings, and throws for the others.
    judge: ({ $schema: _, ...schema }) =>
      judging.validateSchema(schema) === true ? [] : (judging.errors ?? []).map(mismatchOf),
    compile: (schema, coerceTypes) => {
      // One of its own each: ajv keeps names that a schema gives to its parts, and would find them from others.
      const ajv = make({ ...options, coerceTypes });
      formats.default(ajv);
      try {
        return ajv.compile(schema);
      } catch (cause) {
        throw cause instanceof RangeError ? cause : noSchema((cause as Error).message, cause);
      }
    },
  };
}

const options: Options = {
  allErrors: true,
  // Names such as `constructor` are there only where somebody wrote them.
  ownProperties: true,
  strict: false,
  logger: false,
  meta: false,
  validateSchema: false,
};

async function loadAjv(draft: Draft): Promise<(options: Options) => Ajv> {
  if (draft === "2020-12") {
    const { Ajv2020 } = await import("ajv/dist/2020.js");
    return (options) => new Ajv2020(options);
  }
  if (draft === "2019-09") {
    const { Ajv2019 } = await import("ajv/dist/2019.js");
    return (options) => new Ajv2019(options);
  }
  const { Ajv } = await import("ajv");
  return (options) => new Ajv(options);
}

/**
 * Milliseconds. A check of ten thousand values takes a few of them; what doubles itself in `anyOf` fills 400 MB of memory in a second, which is
 * why it is not more.
 */
const patience = 500;

/** Where other programs had the processor, the time is over before it was used. */
const mostTries = 4;

const room = createContext({});
const call = new Script("run()");

/**
 * V8 ends what runs in a script when its time is up, in the middle of a pattern such as `(a+)+$`, too. Its linear engine for patterns
 * knows neither lookaheads nor Unicode. Costs 0.15 ms a call.
 */
function bounded<Result>(what: string, run: () => Result): Result {
  for (let tries = 1; ; tries++) {
    const begin = processorTime();
    try {
      return call.runInContext(Object.assign(room, { run }), { timeout: patience }) as Result;
    } catch (cause) {
      const isLate = (cause as { code?: unknown }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      if (!isLate && !(cause instanceof RangeError)) throw cause;
      if (isLate && tries < mostTries && processorTime() - begin < patience / 2) continue;
      const why = isLate ? `takes too long (over ${patience} ms)` : "is nested too deeply";
      const hint = isLate ? "Simplify the patterns of the schema" : "Make it flatter";
      throw new ConfigSyncError("VALUE_INVALID", `${what} ${why}`, { hint, cause });
    }
  }
}

/** Milliseconds of this thread. */
function processorTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function noSchema(why: string, cause?: unknown): ConfigSyncError {
  const hint = "Write a JSON Schema of draft 2020-12 or 07, with every $ref inside it";
  return new ConfigSyncError("VALUE_INVALID", `this is no JSON Schema that can be used: ${why}`, { hint, cause });
}

function mismatchOf({ instancePath, keyword, params, message = "" }: ErrorObject): Mismatch {
  const at = instancePath.split("/").slice(1).map(unescapePointer);
  const own = ownNames.map((name) => params[name]).find((name) => typeof name === "string");
  const path = typeof own === "string" && keyword in named ? [...at, own] : at;
  const sentence = named[keyword] ?? sentences[keyword]?.(params) ?? `does not fit the schema: it ${message}`;
  return { path, message: sentence.length > longest ? `${sentence.slice(0, longest)}…` : sentence };
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
