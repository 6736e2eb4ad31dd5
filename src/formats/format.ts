import type { Path } from "../config/path.ts";

/** One value that a reader of the format sees. `start` and `end` bound its text, as it stands there, in UTF-16 units. */
export interface Field {
  readonly path: Path;
  /** What the reader gets: quotes and escapes resolved. Values that are no strings (JSON `5`) as their canonical text. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
}

export interface Merged {
  readonly text: string;
  /** The keys that were not there, or not with this value, and so were written. */
  readonly written: readonly Path[];
}

/**
 * A format that outputs are written in, dialects included: who reads the file decides about quoting and comments.
 *
 * All functions are pure. They throw ConfigSyncError PARSE_FAILED (with line and column, the caller adds the file) or
 * UNREPRESENTABLE (the caller adds the key); no message repeats a value.
 */
export interface Format {
  /** The name in a manifest: `ini:gitea`. */
  readonly name: string;
  /** A template position where a value stands alone: `before` matches the text before it, `after` the text after it. */
  readonly alone: { readonly before: RegExp; readonly after: RegExp };
  /** The value written so that the reader gets exactly it back, where it stands alone. */
  readonly write: (value: string) => string;
  /** The value written inside other text of the template (`http://{{host}}/`): only what needs no quoting, or escaped in place. */
  readonly writePart: (value: string) => string;
  /**
   * Further ways of writing a value, for places with rules of their own: `{{as "environment" worker.label}}` in supervisord's
   * `environment=`. By name.
   */
  readonly forms?: Readonly<Record<string, (value: string) => string>>;
  /** What the reader of this format gets from the text, in order. What it would refuse, or silently lose, is PARSE_FAILED. */
  readonly read: (text: string) => readonly Field[];
  /**
   * Puts the keys of `wanted` into `existing`, removes the keys `gone`, and keeps every other byte: comments, order, spacing,
   * line endings, a missing final newline. Keys whose value is already right are not touched, however they are quoted.
   * Undefined for formats without keys.
   */
  readonly merge?: (existing: string, wanted: string, gone: readonly Path[]) => Merged;
}
