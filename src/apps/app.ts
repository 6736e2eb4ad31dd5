import { type Digest, type Layer, mergeLayers, type Snapshot } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { Edit, Source, StopWatching } from "../sources/source.ts";

export type { Edit } from "../sources/source.ts";

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
  /**
   * Sets values, each in the source that gives it now. Throws READ_ONLY for a value of a protected source or of one that cannot be
   * written; then nothing is changed.
   */
  readonly change: (edits: readonly Edit[]) => Promise<void>;
  /** Calls `look` whenever a source may say something new, and `onTrouble` where only the periodic look will tell of it. */
  readonly watch: (look: () => void, onTrouble?: (message: string) => void) => Promise<StopWatching>;
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

  const watch: App["watch"] = async (hint, onTrouble) => {
    const stops = await Promise.all(sources.map((source) => source.watch?.(hint, onTrouble)));
    return async () => {
      await Promise.all(stops.map((stop) => stop?.()));
    };
  };

  const change = async (edits: readonly Edit[]): Promise<void> => {
    const bySource = Map.groupBy(edits, ({ path }) => writableSource(formatPath(path), current, sources));
    for (const [source, own] of bySource) await source.edit(own);
  };

  return { name, look, change, watch };
}

type Writable = Source & Required<Pick<Source, "edit">>;

function writableSource(key: string, snapshot: Snapshot | undefined, sources: readonly Source[]): Writable {
  const given = snapshot?.entries.get(key)?.origin.source;
  const source = sources.find(({ name }) => name === given);
  if (source !== undefined && !source.protected && isWritable(source)) return source;
  throw new ConfigSyncError("READ_ONLY", `${key} comes from ${given ?? "no source"}, which cannot be written`, {
    key,
    hint: "Change it where it is given",
  });
}

function isWritable(source: Source): source is Writable {
  return source.edit !== undefined;
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
