import { type Digest, type Layer, mergeLayers, type Snapshot } from "../config/layers.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { Source, StopWatching } from "../sources/source.ts";

/** What a look at the sources brought. */
export interface Look {
  /** The newest good snapshot: also after a look that met problems. Undefined as long as there never was one. */
  readonly snapshot: Snapshot | undefined;
  /** Why the sources cannot be used as they are; empty when all is well. */
  readonly problems: readonly ConfigSyncError[];
}

/** A named configuration: its sources and what they say. The one way to it for everybody. */
export interface App {
  readonly name: string;
  /** Reads every source anew. Bad input keeps the last good snapshot; all its problems come at once. */
  readonly look: () => Promise<Look>;
  /** Calls `look` whenever a source may say something new. */
  readonly watch: (look: () => void) => Promise<StopWatching>;
}

/** `sources` stand from weakest to strongest; protected ones beat all others. */
export function createApp(name: string, sources: readonly Source[], digest: Digest): App {
  let current: Snapshot | undefined;

  const look = async (): Promise<Look> => {
    const loaded = await Promise.allSettled(sources.map((source) => source.load()));
    const layers: Layer[] = [];
    const problems: ConfigSyncError[] = [];
    for (const result of loaded) {
      if (result.status === "fulfilled") layers.push(result.value);
      else problems.push(asConfigSyncError(result.reason));
    }
    const complete = problems.length > 0 ? [] : completeLayers(sources, layers, problems);
    if (problems.length > 0) return { snapshot: current, problems };
    current = mergeLayers(complete, digest);
    return { snapshot: current, problems };
  };

  const watch = async (hint: () => void): Promise<StopWatching> => {
    const stops = await Promise.all(sources.map((source) => source.watch?.(hint)));
    return async () => {
      await Promise.all(stops.map((stop) => stop?.()));
    };
  };

  return { name, look, watch };
}

/** What hangs on other sources is filled in from one and the same look at all of them. */
function completeLayers(sources: readonly Source[], layers: readonly Layer[], problems: ConfigSyncError[]): Layer[] {
  return sources.flatMap((source, index) => {
    const own = layers[index];
    if (own === undefined) return [];
    try {
      return source.complete?.(own, layers.toSpliced(index, 1)) ?? own;
    } catch (error) {
      problems.push(asConfigSyncError(error));
      return [];
    }
  });
}
