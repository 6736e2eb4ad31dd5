/** The tree that JSON, YAML and TOML texts are read into. What is no map is a leaf, lists too. */

import type { Path } from "../config/path.ts";
import type { Field } from "./format.ts";

export interface Leaf {
  readonly kind: "leaf";
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** What the reader gets, as one-line JSON: tells the text "5" from the number 5. */
  readonly json: string;
}

/** Texts nested deeper than this are refused, long before they could exhaust the stack. */
export const maxDepth = 100;

/** The value as a Field shows it: strings bare, all else as its JSON. */
export function fieldOf(path: Path, { json, start, end, line }: Leaf): Field {
  return { path, value: json.startsWith('"') ? (JSON.parse(json) as string) : json, start, end, line };
}

/** For comparing: the value with its type. */
export function typedFieldOf(path: Path, { json, start, end, line }: Leaf): Field {
  return { path, value: json, start, end, line };
}

export type ToField = typeof fieldOf;

/** What a merge reports of a value that it wrote: its leaves, or the empty mapping itself. */
export function writtenPaths(path: Path, fields: readonly Field[]): readonly Path[] {
  return fields.length === 0 ? [path] : fields.map((field) => field.path);
}
