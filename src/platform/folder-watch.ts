import { type BigIntStats, type FSWatcher, statSync, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { systemCode } from "../errors.ts";

export interface FolderListener {
  /** `rename`: the name came, went or stands for another file. `change`: content or attributes of what has that name. */
  readonly onEvent: (event: "rename" | "change", name: string) => void;
  /** Events may have been missed: the folder is watched anew. */
  readonly onRenewed: () => void;
  readonly onTrouble: (message: string) => void;
}

export interface FolderWatching {
  /**
   * Which folder the events come from, as `identifyFolder` says it; undefined while none is watched. The path may lead to
   * another one by now, and inotify tells of nothing above a folder.
   */
  readonly identity: () => string | undefined;
  /** Watches again where the folder was replaced or came back, or where watching failed before. Cheap when all is well. */
  readonly renew: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Folder {
  readonly path: string;
  readonly listeners: Set<FolderListener>;
  watcher: FSWatcher | undefined;
  /** Which folder the watcher holds: the path can mean another one by now. */
  identity: string | undefined;
  /** Folder work in order, one piece after the other. */
  turn: Promise<void>;
  retry: NodeJS.Timeout | undefined;
  wasTried: boolean;
  troubled: boolean;
}

/** One watcher a folder, however many files in it are looked after. */
const folders = new Map<string, Folder>();

// After a folder vanished it is looked for again soon (a deployment moves the next one there), then ever more rarely.
const firstRetry = 20;
const lastRetry = 2000;

/** Listens to the names of one folder. A folder that is not there is watched as soon as it is found. Never throws. */
export async function watchFolder(path: string, listener: FolderListener): Promise<FolderWatching> {
  let folder = folders.get(path);
  if (folder === undefined) {
    folder = {
      path,
      listeners: new Set(),
      watcher: undefined,
      identity: undefined,
      turn: Promise.resolve(),
      retry: undefined,
      wasTried: false,
      troubled: false,
    };
    folders.set(path, folder);
  }
  const joined = folder;
  joined.listeners.add(listener);
  await renew(joined);
  return {
    identity: () => (joined.watcher === undefined ? undefined : joined.identity),
    renew: () => renew(joined),
    stop: () => leave(joined, listener),
  };
}

function renew(folder: Folder): Promise<void> {
  folder.turn = folder.turn.then(() => arm(folder));
  return folder.turn;
}

async function leave(folder: Folder, listener: FolderListener): Promise<void> {
  folder.listeners.delete(listener);
  if (folder.listeners.size > 0) return;
  if (folders.get(folder.path) === folder) folders.delete(folder.path);
  clearTimeout(folder.retry);
  folder.turn = folder.turn.then(() => disarm(folder));
  await folder.turn;
}

async function arm(folder: Folder): Promise<void> {
  if (folder.listeners.size === 0) return;
  let identity = await identify(folder);
  if (folder.watcher !== undefined && folder.identity === identity) return;
  const wasArmed = folder.watcher !== undefined;
  let isRaced = false;
  for (let tries = 0; tries < mostTries; tries++) {
    disarm(folder);
    const asked = identity;
    if (asked !== undefined) folder.watcher = openWatcher(folder);
    folder.identity = folder.watcher === undefined ? undefined : asked;
    // Of a folder that went, or came, while we opened it nobody tells.
    identity = await identify(folder);
    if (identity === asked) break;
    isRaced = true;
  }
  if (isRaced || !folder.wasTried) retryLater(folder, firstRetry);
  folder.wasTried = true;
  if (folder.watcher !== undefined) folder.troubled = false;
  if (wasArmed || folder.watcher !== undefined) for (const { onRenewed } of folder.listeners) onRenewed();
}

/** A folder that is replaced without end is left to the later tries. */
const mostTries = 5;

function identify({ path }: Folder): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(describe, () => undefined);
}

function disarm(folder: Folder): void {
  folder.watcher?.close();
  folder.watcher = undefined;
}

/**
 * Node's own watch: on Linux it hands on inotify's events one by one, in order. Undefined where the folder cannot be watched; that it
 * went meanwhile is no trouble.
 */
function openWatcher(folder: Folder): FSWatcher | undefined {
  const own = basename(folder.path);
  try {
    const watcher = watch(folder.path);
    watcher.on("change", (event, told) => {
      if (folder.watcher !== watcher) return;
      const name = String(told ?? own);
      for (const { onEvent } of folder.listeners) onEvent(event === "rename" ? "rename" : "change", name);
      // inotify names the folder itself when it was removed or moved away.
      if (event === "rename" && name === own) void renew(folder).then(() => retryLater(folder, firstRetry));
    });
    watcher.on("error", (error) => {
      report(folder, error);
      if (folder.watcher === watcher) disarm(folder);
    });
    return watcher;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") report(folder, error);
    return undefined;
  }
}

function retryLater(folder: Folder, delay: number): void {
  clearTimeout(folder.retry);
  if (folder.watcher !== undefined || folder.listeners.size === 0 || delay > lastRetry) return;
  folder.retry = setTimeout(() => void renew(folder).then(() => retryLater(folder, delay * 2)), delay);
}

/** Once a trouble, not at every look: the periodic look goes on without the watch. */
function report(folder: Folder, error: unknown): void {
  if (folder.troubled) return;
  folder.troubled = true;
  const limit = inotifyLimit(error);
  const why =
    limit === undefined
      ? String(error instanceof Error ? error.message : error)
      : `the limit of inotify ${limit.of} is reached (raise ${limit.setting})`;
  for (const { onTrouble } of folder.listeners)
    onTrouble(`Cannot watch ${folder.path}: ${why}. Changes there are found by the periodic look`);
}

/** Which limit of the system keeps the user from watching; `enough` is what it is raised to in practice. */
export function inotifyLimit(error: unknown): { of: string; setting: string; enough: number } | undefined {
  const code = systemCode(error);
  if (code === "ENOSPC") return { of: "watches", setting: "fs.inotify.max_user_watches", enough: 524_288 };
  // Also the process's own limit of open files: then nothing else would go either.
  if (code === "EMFILE") return { of: "instances", setting: "fs.inotify.max_user_instances", enough: 1024 };
  return undefined;
}

/** Tells the folder that stands at the path now from every other one. Undefined when there is none. */
export function identifyFolder(path: string): string | undefined {
  try {
    return describe(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

/** ext4 gives the inode number of a removed folder to the next one at once: the time of birth tells them apart. */
function describe({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}
