import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { describeKind } from "./confine.ts";
import { fileState, type OnHint } from "./file-watch.ts";
import { identifyFolder } from "./folder-watch.ts";

/** Reads one file again and again, never in the middle of a write. */
export interface SettledReader {
  /** What the watch says of the file; it lets `read` take a replaced file at once. */
  readonly note: OnHint;
  /**
   * The whole content. Throws SOURCE_MISSING (still not there after the quiet window), SOURCE_UNSTABLE (written without a pause) or
   * SOURCE_INVALID (no regular file, larger than 16 MiB).
   */
  readonly read: () => Promise<Buffer>;
  /** The state of the file (see `fileState`) at the last read; undefined while one is under way, and before the first. */
  readonly seen: () => string | undefined;
}

const sizeLimit = 16 * 1024 * 1024;

// A kernel stamps mtime with its tick (4 ms, 10 ms on some): a file can be written that much later than its mtime says.
const clockTick = 10;

// Milliseconds, or ten quiet windows. Then a file that never rests is not waited for any further; the next look begins anew.
const patience = 2000;

/** How many there were. */
interface Hints {
  readonly replaced: number;
  readonly touched: number;
}

interface Look {
  readonly bytes: Buffer;
  readonly stats: BigIntStats;
}

/**
 * A file counts as whole when nothing wrote it for `quiet` milliseconds: then it is read between two equal looks at inode, size
 * and mtime. A hint begins the wait anew, with a first look of its own, so that the wait counts from the last write that the watch
 * told of; a write that it did not tell of shows in the second look.
 *
 * A file that was renamed into place is whole at once. That it was, is known for sure when, since the last content that
 * was taken, the watch told exactly one `replaced` and no `touched`, and it is another file: a file that is deleted and
 * created again gives two `replaced`, the second one while it is still empty, so before whatever we could read of it. All that
 * holds for the folder that the watch is on: another one may have taken its place, where nobody tells of writes yet.
 */
export function createSettledReader(path: string, quiet: number): SettledReader {
  let replaced = 0;
  let touched = 0;
  let replacedIn: string | undefined;
  let wake = (): void => {};
  let reading = 0;
  let seen: string | undefined;
  let taken: (Hints & { readonly ino: bigint }) | undefined;

  const replacedOnce = (): boolean =>
    taken !== undefined && replaced === taken.replaced + 1 && touched === taken.touched;

  const takeAtOnce = async (): Promise<Look | undefined> => {
    if (!replacedOnce()) return undefined;
    const look = readNow(path);
    // Two turns are a whole poll phase: what was queued before the read has reached `note` after it.
    await eventsTurn();
    await eventsTurn();
    const isOther = look?.stats.ino !== taken?.ino;
    return replacedOnce() && isOther && replacedIn === identifyFolder(dirname(path)) ? look : undefined;
  };

  /** Waits out the quiet window; false at once when there was a hint after `at`, or as soon as there is one. */
  const quietSince = (at: Hints) => (): Promise<boolean> =>
    new Promise((resolve) => {
      if (replaced !== at.replaced || touched !== at.touched) return resolve(false);
      const timer = setTimeout(resolve, quiet, true);
      wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });

  const takeWhole = async (): Promise<Look> => {
    const end = Date.now() + Math.max(patience, 10 * quiet);
    do {
      const at = { replaced, touched };
      const look = (await takeAtOnce()) ?? (await readWhenQuiet(path, quiet, quietSince(at)));
      if (look === undefined) continue;
      taken = { ...at, ino: look.stats.ino };
      return look;
    } while (Date.now() <= end);
    throw new ConfigSyncError("SOURCE_UNSTABLE", `${path} is being written without a pause`, {
      hint: "It is read again when it rests",
    });
  };

  const read = async (): Promise<Buffer> => {
    reading++;
    seen = notSeen;
    try {
      const { bytes, stats } = await takeWhole();
      seen = fileState(stats);
      return bytes;
    } finally {
      reading--;
    }
  };

  return {
    note: (hint, folder) => {
      if (hint === "replaced") replaced++;
      else touched++;
      replacedIn = folder;
      wake();
    },
    read,
    seen: () => (reading > 0 ? undefined : seen),
  };
}

/** No file has this state: as long as nothing could be read, every periodic look is a reason to try again. */
const notSeen = "not seen";

function eventsTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Synchronous, because this is what people wait for, and a busy machine delays every way through the thread pool (five of them:
 * p99 15-100 ms). It cannot hang on a network mount: an event of this machine's kernel just told of the file.
 * Undefined for what needs a second thought: a link (it does not say who writes where it leads), empty, gone.
 */
function readNow(path: string): Look | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile() || stats.size === 0n || stats.size > sizeLimit) return undefined;
    const buffer = Buffer.allocUnsafe(Number(stats.size));
    const whole = readSync(fd, buffer) === buffer.length && isSame(stats, fstatSync(fd, { bigint: true }));
    return whole ? { bytes: buffer, stats } : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Undefined when it changed, or there was a hint, while we waited for the quiet window, or read. */
async function readWhenQuiet(
  path: string,
  quiet: number,
  waitForQuiet: () => Promise<boolean>,
): Promise<Look | undefined> {
  let waited = false;
  try {
    return await readBetweenLooks(path, async (stats, file) => {
      const age = Date.now() - Number(stats.mtimeMs);
      if (age >= quiet + clockTick) return true;
      waited = true;
      if (!(await waitForQuiet())) return false;
      return isSame(stats, await file.stat({ bigint: true })) && isSame(stats, await statOf(path));
    });
  } catch (error) {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw unreadable(path, error);
    if (waited || !(await waitForQuiet())) return undefined;
    if ((await statOf(path)) === undefined)
      throw new ConfigSyncError("SOURCE_MISSING", `${path} is not there`, {
        hint: "Restore it; until then the last good values stay in force",
        cause: error,
      });
    return undefined;
  }
}

async function readBetweenLooks(
  path: string,
  isWhole: (stats: BigIntStats, file: FileHandle) => Promise<boolean>,
): Promise<Look | undefined> {
  // O_NONBLOCK: opening a named pipe must not wait for its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    checkKind(path, before);
    if (!(await isWhole(before, file))) return undefined;
    const bytes = await readAll(file, Number(before.size));
    return bytes !== undefined && isSame(before, await file.stat({ bigint: true }))
      ? { bytes, stats: before }
      : undefined;
  } finally {
    await file.close();
  }
}

/** Undefined when the file has another length than it said. */
async function readAll(file: FileHandle, size: number): Promise<Buffer | undefined> {
  const buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length === size ? buffer.subarray(0, size) : undefined;
}

function checkKind(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw new ConfigSyncError("SOURCE_INVALID", `${path} is ${describeKind(stats)}, not a file`);
  if (stats.size > sizeLimit)
    throw new ConfigSyncError("SOURCE_INVALID", `${path} is larger than 16 MiB, too large for a configuration file`);
}

function isSame(a: BigIntStats, b: BigIntStats | undefined): boolean {
  return a.ino === b?.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

function unreadable(path: string, cause: unknown): ConfigSyncError {
  if (cause instanceof ConfigSyncError) return cause;
  const denied = systemCode(cause) === "EACCES" || systemCode(cause) === "EPERM";
  const why = denied ? "permission denied" : cause instanceof Error ? cause.message : String(cause);
  return new ConfigSyncError("SOURCE_MISSING", `${path} cannot be read: ${why}`, {
    hint: denied ? "Give the user that runs config-sync the right to read it" : "Look at the path",
    cause,
  });
}
