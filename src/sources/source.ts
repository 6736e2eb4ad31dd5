import type { Layer } from "../config/layers.ts";
import type { Path } from "../config/path.ts";

export interface Source {
  /** As shown to people: `config.ini`. */
  readonly name: string;
  readonly protected: boolean;
  /** What the source says now, as written there. Throws SOURCE_INVALID, SOURCE_MISSING or SOURCE_UNSTABLE, with the place. */
  readonly load: () => Promise<Layer>;
  /**
   * The layer with everything filled in that hangs on what the other sources say, as written there. Pure; throws VALUE_MISSING or
   * VALUE_INVALID with the place. Without it the layer is complete as it was loaded.
   */
  readonly complete?: (own: Layer, others: readonly Layer[]) => Layer;
  /** Sets values and keeps everything else; a source without it cannot be written. Throws what stands against it, and changes nothing then. */
  readonly edit?: (edits: readonly Edit[]) => Promise<void>;
  /**
   * Calls `look` whenever there may be something new. A hint only: too many calls do no harm, a lost one costs a period.
   * `onTrouble` is told once when every change will cost a period.
   */
  readonly watch?: (look: () => void, onTrouble?: (message: string) => void) => Promise<StopWatching>;
}

/** A value that is to be set; without a value the key goes, and a path of one segment names a section that goes as a whole. */
export interface Edit {
  readonly path: Path;
  readonly value?: string | undefined;
}

export type StopWatching = () => Promise<void>;
