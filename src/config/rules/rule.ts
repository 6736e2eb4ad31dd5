import type { Place } from "../../errors.ts";
import type { Entry, Snapshot } from "../layers.ts";
import { reveal } from "../secret.ts";
import type { StrengthOf } from "../strength.ts";
import type { ValueSchema } from "../value-schema.ts";

/** Pure: what it finds follows from the facts alone. */
export type Rule = (facts: Facts) => Violation[];

export interface Facts {
  readonly schema: ValueSchema;
  readonly snapshot: Snapshot;
  /** Without it nothing is said of strength. */
  readonly strengthOf?: StrengthOf | undefined;
  /** Without them nothing is said of certificates. */
  readonly certificates?: { readonly files: ReadonlyMap<string, CertificateFiles>; readonly now: number } | undefined;
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
  readonly hint?: string | undefined;
}

/** The entry of a key that has a value; an empty one is as good as none. */
export function filled(snapshot: Snapshot, key: string): Entry | undefined {
  const entry = snapshot.entries.get(key);
  return entry === undefined || reveal(entry.value).trim() === "" ? undefined : entry;
}
