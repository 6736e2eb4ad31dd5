import { LineCounter, type Node, parseDocument } from "yaml";
import type { ZodType, z } from "zod";
import { ConfigSyncError, type ErrorCode, type Place } from "../errors.ts";

/** Where a check of a document may look the other way: `true` for problems that are not to be reported. */
export type Tolerates = (value: unknown) => boolean;

export interface CheckedYaml<T> {
  readonly value: T;
  /** The place of a value in the text, by its path; the nearest existing ancestor for what is not there. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place;
}

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
    readonly placeOf: (path: readonly PropertyKey[]) => Place;
    readonly at?: readonly PropertyKey[];
    readonly tolerates?: Tolerates;
  },
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = flatten(result.error.issues).filter(
    (issue) => !(about.tolerates?.(valueAt(value, issue.path)) ?? false),
  );
  const [first, ...rest] = problems.map((issue) => {
    const path = [...(about.at ?? []), ...issue.path];
    return { place: about.placeOf(path), message: describeIssue(path, issue, valueAt(value, issue.path)) };
  });
  if (first === undefined) return value as z.output<Schema>;
  const more = rest.map(({ place, message }) => `\n  ${place.line}:${place.column}: ${message}`);
  throw new ConfigSyncError(about.code, `${first.message}${more.join("")}`, { place: first.place });
}

/** Reads one YAML document without a schema. Duplicate keys, several documents and alias bombs are refused. */
export function parseYaml(
  text: string,
  about: { readonly file: string; readonly code: ErrorCode },
): CheckedYaml<unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file: about.file, line, column: col };
  };
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new ConfigSyncError(about.code, `is not valid YAML: ${problem.message}`, { place: place(problem.pos[0]) });
  }
  const placeOf = (path: readonly PropertyKey[]): Place => {
    for (let length = path.length; length >= 0; length--) {
      const node = (length === 0 ? document.contents : document.getIn(path.slice(0, length), true)) as Node | undefined;
      if (node?.range) return place(node.range[0]);
    }
    return { file: about.file, line: 1, column: 1 };
  };
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), placeOf };
  } catch (error) {
    throw new ConfigSyncError(about.code, `is not valid YAML: ${(error as Error).message}`, {
      place: placeOf([]),
      cause: error,
    });
  }
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

function describeIssue(path: readonly PropertyKey[], issue: Issue, value: unknown): string {
  const name = path.length === 0 ? "the document" : path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => `"${key}"`).join(", ");
    return `${name} has no setting ${keys}`;
  }
  if (issue.code === "invalid_type" && value === undefined) return `${name} is missing`;
  return `${name}: ${issue.message}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}
