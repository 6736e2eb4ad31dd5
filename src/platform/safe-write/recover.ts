import { constants, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { asConfigSyncError, systemCode } from "../../errors.ts";
import { type Current, readFileNow } from "./current.ts";
import { failure } from "./failure.ts";
import { type JournalRecord, overwrite, padTo, parseRecord, recordPrefix, wholeBlocks } from "./in-place.ts";
import { stagingPrefix } from "./staging.ts";

/**
 * At start: finishes the writes in place that a crash interrupted, and deletes stagings that it left behind in `folders` (the
 * folders of the real destinations). Returns what it mended, a sentence each, for the log.
 *
 * It takes it that no other daemon has stagings there. If one has, its rename fails and is tried again.
 */
export async function recoverWrites(journal: string, folders: readonly string[]): Promise<string[]> {
  const mended = await finishWrites(journal);
  for (const folder of new Set([journal, ...folders])) mended.push(...removeLeftovers(folder));
  return mended;
}

/** The first half of that alone: afterwards every file that was being written in place is whole. */
export async function finishWrites(journal: string): Promise<string[]> {
  const mended: string[] = [];
  for (const name of list(journal)) {
    if (!name.startsWith(recordPrefix)) continue;
    const told = await finishWrite(`${journal}/${name}`).catch(
      // One file that cannot be written must not keep all others from being looked after; its record stays for the next start.
      (error: unknown) => `An interrupted write is not finished: ${asConfigSyncError(error).message}`,
    );
    if (told !== undefined) mended.push(told);
  }
  return mended;
}

async function finishWrite(path: string): Promise<string | undefined> {
  const record = parseRecord(readFileSync(path, "utf8"));
  let told: string | undefined;
  if (record === undefined) told = `Deleted the unreadable journal record ${path}`;
  else {
    const current = readTarget(record);
    const state = current === undefined ? "gone" : judge(current.bytes, record);
    if (state === "interrupted") {
      try {
        await overwrite(record.target, record.after);
      } catch (error) {
        throw failure("write", record.target, error);
      }
      told = `Finished the interrupted write of ${record.target}`;
    } else if (state === "foreign")
      told = `Left ${record.target} as it is: something else wrote it after an interrupted write`;
  }
  rmSync(path, { force: true });
  return told;
}

/** Nothing, where the path leads elsewhere by now: the record was made for a path without symlinks. */
function readTarget({ target }: JournalRecord): Current | undefined {
  try {
    const folder = dirname(target);
    return realpathSync.native(folder) === folder ? readFileNow(target, constants.O_NOFOLLOW) : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw failure("read", target, error);
  }
}

/** "whole": as before or as wanted. "interrupted": each byte is one of the old or of the new content, newlines behind both. */
function judge(now: Buffer, { before, after }: JournalRecord): "whole" | "interrupted" | "foreign" {
  if (now.equals(before) || now.equals(after)) return "whole";
  const shortest = Math.min(before.length, after.length);
  const longest = wholeBlocks(Math.max(before.length, after.length));
  if (now.length < shortest || now.length > longest) return "foreign";
  const [old, wanted] = [padTo(before, longest), padTo(after, longest)];
  return now.every((byte, index) => byte === old[index] || byte === wanted[index]) ? "interrupted" : "foreign";
}

/** Deletes the stagings that a crash left behind in a folder of which nobody else makes any. Returns a sentence each. */
export function removeLeftovers(folder: string): string[] {
  const removed: string[] = [];
  for (const path of findLeftovers(folder)) {
    try {
      rmSync(path, { force: true });
      removed.push(`Deleted ${path}, left behind by an interrupted write`);
    } catch (error) {
      removed.push(failure("remove", path, error).message);
    }
  }
  return removed;
}

/** The stagings in a folder. While nobody writes, a crash left them behind. */
export function findLeftovers(folder: string): string[] {
  const paths = list(folder).flatMap((name) => (name.startsWith(stagingPrefix) ? `${folder}/${name}` : []));
  return paths.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile());
}

/** An output's folder that is not there, or not readable, holds nothing that could be mended. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
