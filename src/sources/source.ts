import type { Layer } from "../config/layers.ts";
import type { Path } from "../config/path.ts";

export interface Source {
  /** As shown to people: `config.ini`. */
  readonly name: string;
  readonly protected: boolean;
  /** The sections that this source alone gives, and nothing else. Without it: all that no other source claims in this way. */
  readonly holdsSection?: (section: string) => boolean;
  /** What the source says now, as written there. Throws SOURCE_INVALID, SOURCE_MISSING, SOURCE_UNSTABLE or KEY_UNUSABLE, with the place. */
  readonly load: () => Promise<Layer>;
  /**
   * The layer with everything filled in that hangs on what the other sources say, as written there. Pure; throws VALUE_MISSING or
   * VALUE_INVALID with the place. Without it the layer is complete as it was loaded.
   */
  readonly complete?: (own: Layer, others: readonly Layer[]) => Layer;
  /** The text that the source reads; the history keeps it. Not every source has one. */
  readonly document?: SourceDocument;
  /**
   * Calls `look` whenever there may be something new. A hint only: too many calls do no harm, a lost one costs a period.
   * `onTrouble` is told once when every change will cost a period.
   */
  readonly watch?: (look: () => void, onTrouble?: (message: string) => void) => Promise<StopWatching>;
}

/** The file behind a source, and how its text is understood. */
export interface SourceDocument {
  /** Absolute. */
  readonly path: string;
  /** What the source would say if this were the content. Throws SOURCE_INVALID with the place, KEY_UNUSABLE. */
  readonly read: (bytes: Buffer) => Layer;
  /**
   * The content with values set and removed and every other byte kept; secrets are sealed where there is a key. Throws UNREPRESENTABLE
   * with the key, KEY_UNUSABLE.
   */
  readonly edit: (bytes: Buffer, edits: readonly Edit[]) => Buffer;
  /** The content with values sealed (or sealed anew) that say the same as before. Throws KEY_UNUSABLE, UNREPRESENTABLE. */
  readonly seal?: (bytes: Buffer, which: Sealable) => SealedDocument;
}

/** Secrets that stand in clear, values that were sealed with another key than the first, `AES256:` values of Websoft9. */
export type Sealable = "clear" | "old" | "aes256";

export interface SealedDocument {
  readonly bytes: Buffer;
  /** The written paths of what was sealed. */
  readonly keys: readonly string[];
}

/** A value that is to be set; without a value the key goes, and a path of one segment names a section that goes as a whole. */
export interface Edit {
  readonly path: Path;
  readonly value?: string | undefined;
  /** Whether the value is as it stands in a document, so that its references go on being references. */
  readonly asWritten?: boolean | undefined;
}

export type StopWatching = () => Promise<void>;
