import { type Digest, type Layer, mergeLayers, type Snapshot } from "../config/layers.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { Source, StopWatching } from "../sources/source.ts";

/** What a look at the sources brought. */
export interface Look {
  /** The newest good snapshot: also after a look that met problems. Undefined as long as there never was one. */
  readonly snapshot: Snapshot | undefined;
  /** Why the sources cannot be used as they are; empty when all is well. */
  readonly problems: readonly ConfigSyncError[];
  /** The texts that the snapshot was read from in this look, by source; none after a look that met problems. */
  readonly documents: ReadonlyMap<string, Buffer>;
}

/** A named configuration: its sources and what they say. Looks only; whoever wants to change it goes through the door. */
export interface App {
  readonly name: string;
  /** From weakest to strongest. */
  readonly sources: readonly Source[];
  /** Reads every source anew. Bad input keeps the last good snapshot; all its problems come at once. */
  readonly look: () => Promise<Look>;
  /** The snapshot that there would be if these sources said something else than at the last good look. Throws the first problem. */
  readonly imagine: (layers: ReadonlyMap<Source, Layer>) => Snapshot;
  /** Calls `look` whenever a source may say something new, and `onTrouble` where only the periodic look will tell of it. */
  readonly watch: (look: () => void, onTrouble?: (message: string) => void) => Promise<StopWatching>;
}

/**
 * `sources` stand from weakest to strongest; protected ones beat all others. `findErrors` says what keeps values from being used that
 * each source gives without fault.
 */
export function createApp(
  name: string,
  sources: readonly Source[],
  digest: Digest,
  findErrors: (snapshot: Snapshot) => readonly ConfigSyncError[] = () => [],
): App {
  let current: Snapshot | undefined;
  let said: readonly Layer[] = [];

  const look = async (): Promise<Look> => {
    const loaded = await Promise.allSettled(sources.map((source) => source.load()));
    const layers: Layer[] = [];
    const problems: ConfigSyncError[] = [];
    for (const result of loaded) {
      if (result.status === "fulfilled") layers.push(result.value);
      else problems.push(asConfigSyncError(result.reason));
    }
    const complete = problems.length > 0 ? [] : completeLayers(sources, layers, problems);
    if (problems.length > 0) return { snapshot: current, problems, documents: new Map() };
    const snapshot = mergeLayers(complete, digest);
    const errors = findErrors(snapshot);
    if (errors.length > 0) return { snapshot: current, problems: errors, documents: new Map() };
    said = layers;
    current = snapshot;
    const documents = layers.flatMap(({ source, document }) =>
      document === undefined ? [] : [[source, document] as const],
    );
    return { snapshot: current, problems, documents: new Map(documents) };
  };

  const imagine: App["imagine"] = (layers) => {
    const problems: ConfigSyncError[] = [];
    const imagined = sources.flatMap((source, index) => layers.get(source) ?? said[index] ?? []);
    const complete = completeLayers(sources, imagined, problems);
    if (problems[0] !== undefined) throw problems[0];
    return mergeLayers(complete, digest);
  };

  const watch: App["watch"] = async (hint, onTrouble) => {
    const stops = await Promise.all(sources.map((source) => source.watch?.(hint, onTrouble)));
    return async () => {
      await Promise.all(stops.map((stop) => stop?.()));
    };
  };

  return { name, sources, look, imagine, watch };
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
