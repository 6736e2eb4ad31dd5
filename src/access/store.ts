/** The records on disk: read again whenever anybody changed them, and changed by one process at a time. */
import { randomBytes } from "node:crypto";
import { type BigIntStats, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { asConfigSyncError, ConfigSyncError, systemCode } from "../errors.ts";
import { withLockFile } from "../platform/lock-file.ts";
import { readTextFile } from "../platform/read-text.ts";
import { createTurnstile } from "../platform/safe-write/turnstile.ts";
import { writeDurably } from "../platform/safe-write.ts";
import { broken, formatRecords, parseRecords, type Records } from "./records.ts";

export interface Store {
  /** As they are on disk now. Throws STATE_UNUSABLE for a file that is broken, and nobody is known then. */
  readonly read: () => Records;
  /**
   * Replaces the records by what `change` makes of them and resolves when that would survive a power cut. `change` may be called
   * again on newer ones. Throws what it throws, and then nothing was changed; STATE_UNUSABLE, TOO_LARGE.
   */
  readonly update: <Result>(change: (records: Records) => readonly [Records, Result]) => Promise<Result>;
}

/** Bytes; some 2,000 keys and users. It is what readTextFile takes. */
const largest = 1024 * 1024;

interface Known {
  readonly records: Records;
  /** The state of the file that they were read from. */
  readonly seen: string | undefined;
}

export function openStore(file: string): Store {
  let known: Known = { records: emptyRecords(), seen: undefined };
  const oneByOne = createTurnstile(1);

  const read = (): Records => {
    const seen = look(file);
    // A file that was taken away takes its keys and users with it, also from a running daemon.
    if (seen !== known.seen) known = { records: seen === undefined ? emptyRecords() : load(file), seen };
    return known.records;
  };

  const update = <Result>(change: (records: Records) => readonly [Records, Result]): Promise<Result> =>
    oneByOne(async () => {
      await makeFolder(file);
      return withLockFile(`${file}.lock`, async (isHeld) => {
        const before = read();
        const [after, result] = change(before);
        if (after === before) return result;
        const text = formatRecords(after);
        if (Buffer.byteLength(text) > largest) throw tooLarge();
        if (!isHeld()) throw new ConfigSyncError("STATE_UNUSABLE", `${file} was changed by another process meanwhile`);
        await write(file, text);
        known = { records: after, seen: look(file) };
        return result;
      });
    });

  return { read, update };
}

function emptyRecords(): Records {
  return { version: 1, secret: randomBytes(32).toString("hex"), keys: [], users: [], logins: [] };
}

/** Two microseconds, on every request: what the command line changed holds at once, and no watch can miss it. */
function look(file: string): string | undefined {
  try {
    const stats: BigIntStats | undefined = statSync(file, { bigint: true, throwIfNoEntry: false });
    return stats && `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
  } catch (error) {
    if (systemCode(error) === "ENOTDIR") return undefined;
    throw unreadable(file, error);
  }
}

function load(file: string): Records {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseRecords(text, file);
}

function unreadable(file: string, cause: unknown): ConfigSyncError {
  const code = systemCode(cause);
  if (code === undefined) return broken(file, (cause as Error).message, cause);
  return new ConfigSyncError("STATE_UNUSABLE", `${file} cannot be read: ${(cause as Error).message}`, {
    hint: "Run the command as the user that the daemon runs as",
    cause,
  });
}

async function makeFolder(file: string): Promise<void> {
  const folder = dirname(file);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigSyncError("STATE_UNUSABLE", `${folder} cannot be made: ${(cause as Error).message}`, { cause });
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeDurably(file, text);
  } catch (error) {
    const { message, hint } = asConfigSyncError(error);
    throw new ConfigSyncError("STATE_UNUSABLE", message, { hint, cause: error });
  }
}

function tooLarge(): ConfigSyncError {
  return new ConfigSyncError("TOO_LARGE", "there are more keys, users and logins than the file may hold", {
    hint: "Remove some keys or users",
  });
}
