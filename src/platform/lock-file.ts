/** A file as a lock between processes: who can make it has it. Meant for work that takes milliseconds. */
import { type BigIntStats, closeSync, fstatSync, linkSync, lstatSync, openSync, renameSync, rmSync } from "node:fs";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { systemClock } from "./clock.ts";

export interface LockPatience {
  /** Milliseconds. A lock that one waiter has seen unchanged for so long was left behind by a process that was killed. */
  readonly stale: number;
  /** Milliseconds until waiting is given up. */
  readonly longest: number;
}

const usual: LockPatience = { stale: 5000, longest: 20_000 };

/**
 * Does the work while no other process that asks for the same lock does. Throws STATE_UNUSABLE when the lock cannot be had.
 *
 * `isHeld` says whether it is still ours, to be asked before the last irrevocable step: a process that was stopped for longer
 * than `stale` in the middle of its work finds the lock in other hands when it goes on.
 */
export async function withLockFile<Result>(
  path: string,
  work: (isHeld: () => boolean) => Promise<Result>,
  patience: LockPatience = usual,
): Promise<Result> {
  const ours = await take(path, patience);
  const isHeld = (): boolean => identify(path) === ours;
  try {
    return await work(isHeld);
  } finally {
    if (isHeld()) rmSync(path, { force: true });
  }
}

/** Resolves to the identity of the file that we made. */
async function take(path: string, { stale, longest }: LockPatience): Promise<string> {
  const begin = performance.now();
  let seen: { readonly lock: string; readonly since: number } | undefined;
  while (performance.now() - begin < longest) {
    const made = make(path);
    if (made !== undefined) return made;
    const lock = identify(path);
    if (lock === undefined) continue;
    // By our own waiting, not by the file's time: clocks of two machines on one file system may differ, and one can be set.
    if (lock !== seen?.lock) seen = { lock, since: performance.now() };
    else if (performance.now() - seen.since >= stale) removeStale(path, lock);
    // At random, so that two who wait do not meet again and again.
    await systemClock.sleep(2 + Math.random() * 10);
  }
  throw new ConfigSyncError("STATE_UNUSABLE", `${path} is held by another process and does not come free`, {
    hint: "Look which process works on it all the time",
  });
}

/** Undefined where somebody else has it. */
function make(path: string): string | undefined {
  try {
    const fd = openSync(path, "wx", 0o600);
    try {
      return identityOf(fstatSync(fd, { bigint: true }));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (systemCode(error) === "EEXIST") return undefined;
    throw new ConfigSyncError("STATE_UNUSABLE", `${path} cannot be made: ${(error as Error).message}`, {
      hint: "Run the command as the user that the daemon runs as",
      cause: error,
    });
  }
}

/**
 * Moved away first, and looked at there: another waiter may have removed the stale lock a moment before, and what lies there now
 * is a new one. Then it goes back.
 */
function removeStale(path: string, lock: string): void {
  const aside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    renameSync(path, aside);
    if (identify(aside) !== lock) linkSync(aside, path);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes(systemCode(error) ?? "")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function identify(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : identityOf(stats);
}

/** A number of a file that is gone is given to the next one: its time of birth, or of writing where none is kept, tells them apart. */
function identityOf({ ino, mtimeNs }: BigIntStats): string {
  return `${ino}:${mtimeNs}`;
}
