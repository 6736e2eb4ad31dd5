import type { Place } from "../../errors.ts";
import type { SchemaCheck } from "../json-schema-check.ts";
import type { Entry, Snapshot } from "../layers.ts";
import { reveal } from "../secret.ts";
import type { Strength } from "../strength.ts";
import type { ValueSchema } from "../value-schema.ts";

/** Pure: what it finds follows from the facts alone. */
export type Rule = (facts: Facts) => Violation[];

export interface Facts {
  readonly schema: ValueSchema;
  readonly snapshot: Snapshot;
  /** The sections that have a JSON Schema. */
  readonly sections?: ReadonlyMap<string, SchemaCheck> | undefined;
  /** By key. Without them nothing is said of strength. */
  readonly strengths?: ReadonlyMap<string, Strength> | undefined;
  /** Without them nothing is said of certificates. */
  readonly certificates?: { readonly files: ReadonlyMap<string, CertificateFiles>; readonly now: number } | undefined;
  /** By the key that has their port: programs that listen on it and are not ours. */
  readonly listeners?: ReadonlyMap<string, { readonly program: string | undefined }> | undefined;
  /** Whether what only deserves a warning is looked for, too. */
  readonly advises?: boolean;
}

/** What the files hold that a key of type certificate and its private key name; undefined where that cannot be read. */
export interface CertificateFiles {
  readonly certificate: Buffer | undefined;
  readonly privateKey: Buffer | undefined;
}

/** What a rule finds wrong with a key. `message` is a whole sentence without the value, which may be secret. */
export interface Violation {
  readonly code: "VALUE_INVALID" | "VALUE_MISSING";
  /** Errors keep the values from being used; warnings are shown. */
  readonly severity: "error" | "warning";
  readonly key: string;
  readonly place: Place;
  readonly message: string;
  /** What to do about it, in the imperative. */
  readonly hint: string;
}

/** The entry of a key that has a value; an empty one is as good as none. */
export function filled(snapshot: Snapshot, key: string): Entry | undefined {
  const entry = snapshot.entries.get(key);
  return entry === undefined || reveal(entry.value).trim() === "" ? undefined : entry;
}
