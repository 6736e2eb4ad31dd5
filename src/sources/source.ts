import type { Layer } from "../config/layers.ts";

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
  /** Calls `look` whenever there may be something new. A hint only: too many calls do no harm, a lost one costs a period. */
  readonly watch?: (look: () => void) => Promise<StopWatching>;
}

export type StopWatching = () => Promise<void>;
