/** A change of an app's configuration, as it is asked for at the door, and what came of it. */
import type { Change } from "../config/diff.ts";
import { type Snapshot, secretTexts } from "../config/layers.ts";
import { redactor } from "../config/secret.ts";
import type { RevisionInfo } from "../history/history.ts";
import type { Edit, Sealable } from "../sources/source.ts";

export type { Edit, Sealable } from "../sources/source.ts";

/** Who changes, why, and on top of what. */
export interface Signature {
  readonly author: string;
  readonly message: string;
  /** The number of the revision that was looked at; without it the change is made on whatever is newest. */
  readonly expected?: number | undefined;
  /**
   * Told of the change when its revision is on its way to the disk, to put it on record elsewhere, too: the disk is waited for once. What
   * it throws, `change` throws, and the change was made. Where `change` throws something else after that, it was not made, or somebody's
   * edit came over it. Not called where nothing was different.
   */
  readonly witness?: ((changed: Changed) => Promise<void>) | undefined;
}

export interface ChangeRequest extends Signature {
  readonly edits: readonly Edit[];
}

/** Back to the documents of a revision: all that may be written, or one section of them. */
export interface RollbackRequest extends Signature {
  readonly to: number;
  readonly section?: string | undefined;
}

/** The same values, sealed. */
export interface SealRequest extends Signature {
  readonly which: Sealable;
}

/** The newest revision after the change. No changes: nothing was different, and nothing was recorded. */
export interface Changed {
  readonly revision: RevisionInfo;
  readonly changes: readonly Change[];
}

/** `keys`: the written paths of what was sealed; none where there was nothing to seal, and no revision then. */
export interface Sealed extends Changed {
  readonly keys: readonly string[];
}

/** People write into a reason what they set. It is kept for ever, and shown to everybody: secrets of these values are masked in it. */
export function withoutSecrets(signature: Signature, values: readonly (Snapshot | undefined)[]): Signature {
  const redact = redactor(values.flatMap((snapshot) => (snapshot === undefined ? [] : secretTexts(snapshot))));
  return { ...signature, message: redact(signature.message) };
}
