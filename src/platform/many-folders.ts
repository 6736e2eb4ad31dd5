import { type FSWatcher, watch } from "node:fs";
import { systemCode } from "../errors.ts";

/** Watches any number of folders for names in them. For hints only: what is missed is found by whoever looks now and then. */
export interface ManyFolders {
  /** Watches just these, and what could not be watched before again. Those that are watched from now on. */
  readonly set: (folders: ReadonlySet<string>) => readonly string[];
  readonly isWatched: (folder: string) => boolean;
  readonly close: () => void;
}

/**
 * Node's own watch, one inotify watch a folder: a thousand take 2 MB and 6 ms. chokidar keeps a tree of what is in each (23 MB,
 * 150 ms), which nobody here asks for.
 *
 * `onName` is told of every name that came, went or changed; with an undefined name, that anything in the folder may have.
 */
export function watchManyFolders(
  onName: (folder: string, name: string | undefined) => void,
  onTrouble: (message: string) => void,
): ManyFolders {
  const watchers = new Map<string, FSWatcher>();
  let troubled = false;

  const start = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false });
      watcher.on("error", () => stop(folder));
      watcher.on("change", (event, name) => {
        // inotify names the folder itself when it was removed or moved away: what is watched then is no longer at this path.
        const isGone = event === "rename" && folder.endsWith(`/${name}`);
        if (isGone) stop(folder);
        onName(folder, isGone || name === null ? undefined : String(name));
      });
      watchers.set(folder, watcher);
    } catch (error) {
      tellTrouble(error);
    }
  };

  const stop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };

  /** Once, and not for a folder that is not there yet. */
  const tellTrouble = (error: unknown): void => {
    const code = systemCode(error);
    if (troubled || (code !== "ENOSPC" && code !== "EMFILE")) return;
    troubled = true;
    onTrouble(
      `the limit of inotify watches is reached (${code}): changes of outputs are found by the periodic look only. Raise fs.inotify.max_user_watches`,
    );
  };

  return {
    set: (folders) => {
      for (const folder of watchers.keys()) if (!folders.has(folder)) stop(folder);
      const added = [...folders].filter((folder) => !watchers.has(folder));
      for (const folder of added) start(folder);
      return added.filter((folder) => watchers.has(folder));
    },
    isWatched: (folder) => watchers.has(folder),
    close: () => {
      for (const folder of [...watchers.keys()]) stop(folder);
    },
  };
}
