import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { type FolderWatching, watchFolder } from "./folder-watch.ts";
import { followLinks, isLink, type Step } from "./link-chain.ts";

/**
 * What is known of a change. `replaced`: the name was put on another file by one step (created, renamed over, removed).
 * `touched`: written in place, or something else. `period`: the periodic look found what no event told.
 */
export type Hint = "replaced" | "touched" | "period";

/** `folder`: with `replaced`, in which folder that was (see `identifyFolder`). The path may lead to another one by now. */
export type OnHint = (hint: Hint, folder?: string) => void;

export interface WatchOptions {
  /** Milliseconds between two looks at the file's state, the net under the watch. */
  readonly lookEvery: number;
  /**
   * The state in which the file was last acted on (see `fileState`), for the periodic look to compare; undefined as long as it is
   * being acted on. Asked of whoever acts: what a hint was given for, and what was then read, can be two different states.
   */
  readonly seen: () => string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told once when a folder cannot be watched (the inotify limit); the periodic look goes on. */
  readonly onTrouble?: ((message: string) => void) | undefined;
}

export type StopWatching = () => Promise<void>;

// Elsewhere than on Linux an event does not say surely which of the two happened.
const tellsReplaced = process.platform === "linux";

/**
 * Calls `onHint` whenever the file at the absolute `path` may be another, or hold something else, than before: too often
 * rather than too rarely. Symlinks on the way are watched too. Never throws for a file or folder that is not there.
 *
 * Per file and look it costs one stat; an idle daemon does nothing else.
 */
export async function watchFile(
  path: string,
  onHint: OnHint,
  { lookEvery, seen, signal, onTrouble }: WatchOptions,
): Promise<StopWatching> {
  let steps: readonly Step[] = [];
  let watched = new Map<string, FolderWatching>();
  let started = false;
  let stopped = false;
  let turn = Promise.resolve();

  const tell: OnHint = (hint, folder) => {
    if (started && !stopped) onHint(hint, folder);
  };

  const onEvent = (folder: string, event: "rename" | "change", name: string): void => {
    const index = steps.findIndex((step) => step.folder === folder && step.name === name);
    if (index < 0) return;
    const isFile = index === steps.length - 1;
    // Somebody waits for what comes now: the whole way is walked again only where it can have changed.
    if (event === "rename" && (!isFile || isLink({ folder, name }))) void follow();
    const identity = watched.get(folder)?.identity();
    if (isFile && event === "rename" && tellsReplaced && identity !== undefined) tell("replaced", identity);
    else tell("touched");
  };

  /** Watches the folders of all steps, as the links stand now. */
  const follow = (): Promise<void> => {
    turn = turn.then(async () => {
      if (stopped) return;
      steps = followLinks(path);
      const wanted = new Set(steps.map(({ folder }) => folder));
      const before = watched;
      watched = new Map();
      for (const folder of wanted) {
        const kept = before.get(folder);
        watched.set(folder, kept ?? (await watchFolder(folder, listenerFor(folder))));
      }
      for (const [folder, watching] of before) if (!wanted.has(folder)) await watching.stop();
    });
    return turn;
  };

  const listenerFor = (folder: string) => ({
    onEvent: (event: "rename" | "change", name: string) => onEvent(folder, event, name),
    onRenewed: () => {
      // Another folder may have brought other links.
      if (started) void follow();
      tell("touched");
    },
    onTrouble: (message: string) => onTrouble?.(message),
  });

  const look = async (): Promise<void> => {
    const known = seen();
    const now = await stat(path, { bigint: true }).then(fileState, () => missing);
    if (stopped) return;
    if (known !== undefined && known !== now && known === seen()) tell("period");
    if (known !== now || now === missing) await follow();
    for (const watching of [...watched.values()]) await watching.renew();
  };

  await follow();
  started = true;
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, lookEvery);

  const stop: StopWatching = async () => {
    stopped = true;
    clearInterval(timer);
    signal?.removeEventListener("abort", onAbort);
    await turn;
    for (const watching of watched.values()) await watching.stop();
  };
  const onAbort = (): void => void stop();
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) await stop();
  return stop;
}

/** Where there is no file. */
const missing = "missing";

/** Differs whenever the file is another one, holds something else, or has another owner or mode. */
export function fileState({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}
