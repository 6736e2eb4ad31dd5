import { isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type { ZodType, z } from "zod";
import { ConfigSyncError, type ErrorCode, type Place } from "../errors.ts";
import { suggestKey } from "./suggest.ts";

/** Where a check of a document may look the other way: `true` for problems that are not to be reported. */
export type Tolerates = (value: unknown) => boolean;

export interface CheckedYaml<T> {
  readonly value: T;
  readonly placeOf: PlaceOf;
}

/** The place of a value in the text, or of its key, by its path; the nearest existing ancestor for what is not there. */
export type PlaceOf = (path: readonly PropertyKey[], part?: "key") => Place;

/**
 * Reads a YAML document and holds it to a schema. Throws `code` with every problem: the first one carries the place, all of
 * them stand in the message, one a line.
 */
export function parseCheckedYaml<Schema extends ZodType>(
  text: string,
  schema: Schema,
  about: { readonly file: string; readonly code: ErrorCode },
): CheckedYaml<z.output<Schema>> {
  const { value, placeOf } = parseYaml(text, about);
  return { value: checkShape(value, schema, { ...about, placeOf }), placeOf };
}

/** The same for a part of a document that is already read; `at` is its path there. */
export function checkShape<Schema extends ZodType>(
  value: unknown,
  schema: Schema,
  about: {
    readonly code: ErrorCode;
    readonly placeOf: PlaceOf;
    readonly at?: readonly PropertyKey[];
    readonly tolerates?: Tolerates;
  },
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = flatten(result.error.issues).filter(
    (issue) => !(about.tolerates?.(valueAt(value, issue.path)) ?? false),
  );
  const found = problems.map((issue) => {
    const path = [...(about.at ?? []), ...issue.path];
    const place = issue.code === "unrecognized_keys" ? [...path, issue.keys[0] ?? ""] : undefined;
    return {
      place: place === undefined ? about.placeOf(path) : about.placeOf(place, "key"),
      message: describeIssue(path, issue, valueAt(value, issue.path), (key) => suggestKey(key, schema, issue.path)),
    };
  });
  const [first, ...rest] = found.toSorted((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0));
  if (first === undefined) return value as z.output<Schema>;
  const more = rest.map(({ place, message }) => `\n  ${place.line}:${place.column}: ${message}`);
  throw new ConfigSyncError(about.code, `${first.message}${more.join("")}`, { place: first.place });
}

/** Reads one YAML document without a schema. Duplicate keys, several documents and alias bombs are refused. */
export function parseYaml(
  text: string,
  about: { readonly file: string; readonly code: ErrorCode },
): CheckedYaml<unknown> {
  const read = () => {
    const lines = new LineCounter();
    return { lines, document: parseDocument(text, { lineCounter: lines, prettyErrors: false }) };
  };
  const first = read();
  // A thousand manifests are kept for their places, which hardly anybody asks for: the trees go, and come again from the text.
  let kept = new WeakRef(first);
  const tree = (): typeof first => {
    const known = kept.deref() ?? read();
    kept = new WeakRef(known);
    return known;
  };
  const place = (offset: number): Place => {
    const { line, col } = tree().lines.linePos(offset);
    return { file: about.file, line, column: col };
  };
  const [problem] = first.document.errors;
  if (problem !== undefined) {
    const several = problem.code === "MULTIPLE_DOCS" ? "holds several documents; one is read" : undefined;
    const message = several ?? `is not valid YAML: ${withoutExcerpt(problem.message)}`;
    throw new ConfigSyncError(about.code, message, { place: place(problem.pos[0]) });
  }
  const placeOf: PlaceOf = (path, part) => {
    const { document } = tree();
    const pair = part === "key" ? findPair(document.getIn(path.slice(0, -1), true), path.at(-1)) : undefined;
    if (pair?.range) return place(pair.range[0]);
    for (let length = path.length; length >= 0; length--) {
      const node = (length === 0 ? document.contents : document.getIn(path.slice(0, length), true)) as Node | undefined;
      if (node?.range) return place(node.range[0]);
    }
    return { file: about.file, line: 1, column: 1 };
  };
  try {
    return { value: first.document.toJS({ maxAliasCount: 100 }), placeOf };
  } catch (error) {
    throw new ConfigSyncError(about.code, `is not valid YAML: ${withoutExcerpt((error as Error).message)}`, {
      place: placeOf([]),
      cause: error,
    });
  }
}

/** The key of an entry as it stands in the text. */
function findPair(parent: unknown, key: PropertyKey | undefined): Node | undefined {
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  return pair?.key as Node | undefined;
}

/** Behind a colon or a backslash, the library's messages quote the text, which may hold secrets. */
export function withoutExcerpt(message: string): string {
  return message.replace(/: .*| \\.*/s, "");
}

type Issue = z.core.$ZodIssue;

/** A union reports one list of issues a variant: the variant that came furthest says best what is wrong. */
function flatten(issues: readonly Issue[]): Issue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
    const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
    return flatten(deepest).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue);
  });
}

function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function describeIssue(
  path: readonly PropertyKey[],
  issue: Issue,
  value: unknown,
  suggest: (key: string) => string | undefined,
): string {
  const name = path.length === 0 ? "the document" : path.map(String).join(".");
  switch (issue.code) {
    case "unrecognized_keys": {
      const near = issue.keys.flatMap((key) => suggest(key) ?? []);
      const keys = issue.keys.map((key) => `"${key}"`).join(", ");
      const hint = near.length === 0 ? "" : `. Did you mean ${near.join(", ")}?`;
      return `${name} has no setting ${keys}${hint}`;
    }
    case "invalid_type":
      if (value === undefined) return `${name} is missing`;
      return `${name} is ${kindOf(value)}, not ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `${name} is not one of ${issue.values.map(String).join(", ")}`;
    case "too_big":
      return issue.origin === "number" ? `${name} is more than ${issue.maximum}` : `${name}: ${issue.message}`;
    case "too_small":
      if (issue.origin === "number") return `${name} is less than ${issue.minimum}`;
      return issue.origin === "string" ? `${name} is empty` : `${name}: ${issue.message}`;
    default:
      return `${name}: ${issue.message}`;
  }
}

const kinds: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  return (Array.isArray(value) ? kinds.array : kinds[typeof value]) ?? typeof value;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}
