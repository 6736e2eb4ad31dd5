import type { Layer } from "../config/layers.ts";

export interface Source {
  /** As shown to people: `config.ini`. */
  readonly name: string;
  readonly protected: boolean;
  /** What the source says now. Throws SOURCE_INVALID, SOURCE_MISSING or SOURCE_UNSTABLE, with the place. */
  readonly load: () => Promise<Layer>;
  /** Calls `look` whenever there may be something new. A hint only: too many calls do no harm, a lost one costs a period. */
  readonly watch?: (look: () => void) => Promise<StopWatching>;
}

export type StopWatching = () => Promise<void>;
