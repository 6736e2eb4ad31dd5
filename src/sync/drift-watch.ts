import { dirname, join } from "node:path";
import { confine } from "../platform/confine.ts";
import { watchManyFolders } from "../platform/many-folders.ts";
import type { OutputPlace } from "../services/render.ts";

/** A service, and where its outputs lie. */
export interface PlacedService {
  readonly name: string;
  readonly outputs: readonly Pick<OutputPlace, "path">[];
}

/** Watches the outputs of all services. */
export interface DriftWatch {
  /** These are the services now. Also takes up folders that have come into being since. */
  readonly follow: (services: Iterable<PlacedService>) => void;
  /** Whether a folder of the service is not watched: it was not there at the last `follow`, or was replaced since. */
  readonly lacks: (service: PlacedService) => boolean;
  readonly close: () => void;
}

/** Milliseconds in which hints are gathered: our own writes give hints too, and by then their turn is over. */
const gather = 100;

/**
 * Tells which services to look at because one of their files may have been changed, whoever did it. A hint only: the turn that
 * follows decides from what is there.
 */
export function watchDrift(
  look: (services: readonly string[]) => void,
  { roots, onTrouble }: { readonly roots: readonly string[]; readonly onTrouble: (message: string) => void },
): DriftWatch {
  let writers = new Map<string, readonly string[]>();
  const hinted = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const onName = (folder: string, name: string | undefined): void => {
    const files =
      name === undefined ? [...writers.keys()].filter((file) => dirname(file) === folder) : [join(folder, name)];
    for (const service of files.flatMap((file) => writers.get(file) ?? [])) hinted.add(service);
    if (hinted.size === 0) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      const services = [...hinted];
      hinted.clear();
      look(services);
    }, gather).unref();
  };

  const watching = watchManyFolders(onName, onTrouble);
  return {
    follow: (services) => {
      writers = writersByFile(services, roots);
      const added = watching.set(new Set([...writers.keys()].map((file) => dirname(file))));
      // Nobody told of what happened there until now.
      for (const folder of added) onName(folder, undefined);
    },
    lacks: ({ outputs }) => outputs.some(({ path }) => !watching.isWatched(dirname(path))),
    close: () => {
      clearTimeout(timer);
      watching.close();
    },
  };
}

/** A file is watched where it is named and, behind symlinks, where it lies. */
function writersByFile(services: Iterable<PlacedService>, roots: readonly string[]): Map<string, string[]> {
  const writers = new Map<string, string[]>();
  for (const { name, outputs } of services) {
    for (const { path } of outputs) {
      for (const file of new Set([path, realPath(path, roots)])) {
        const known = writers.get(file);
        if (known === undefined) writers.set(file, [name]);
        else known.push(name);
      }
    }
  }
  return writers;
}

function realPath(path: string, roots: readonly string[]): string {
  try {
    return confine(path, roots).path;
  } catch {
    // Nothing is ever written there; the turn of the service says why.
    return path;
  }
}
