import { createHash, randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, rmSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { ConfigSyncError } from "../../errors.ts";
import { describeKind } from "../confine.ts";
import { reached } from "../reached.ts";
import { readFileNow } from "./current.ts";
import { block, writeDirect } from "./direct.ts";
import { writeDurably } from "./durable.ts";
import { type Ownership, setOwnership, writeFully } from "./staging.ts";
import { syncFile } from "./sync.ts";

/** What is needed to finish, or to undo, a write in place that a crash interrupted. */
export interface JournalRecord {
  readonly target: string;
  readonly before: Buffer;
  readonly after: Buffer;
}

export const recordPrefix = "in-place-";

const newline = 0x0a;

/**
 * Milliseconds for readers that asked for the size, or read up to the old end, before there was more room: they must be done
 * before new content stands behind the old end. Without it, 3 of 100 growing writes met a reader in a tight loop.
 */
const readerPause = 10;

/**
 * Gives an existing file new content without replacing it, for files that no rename can replace. The journal holds both
 * contents until the new one is on disk. If the write fails, the old content comes back.
 */
export async function replaceInPlace(
  target: string,
  bytes: Buffer,
  journal: string,
  enforce: Partial<Ownership>,
): Promise<void> {
  const current = readFileNow(target, constants.O_NOFOLLOW);
  if (current === undefined)
    throw new ConfigSyncError("WRITE_FAILED", `Cannot write ${target}: it vanished while it was being written`);
  const wanted = { ...current, ...enforce };
  const record = await openRecord(journal, { target, before: current.bytes, after: bytes });
  reached("journalled");
  try {
    await overwrite(target, bytes, wanted);
  } catch (error) {
    await overwrite(target, current.bytes, current).catch(() => {
      // The record stays: recoverWrites ends at the next start what could not be ended now.
      throw error;
    });
    rmSync(record, { force: true });
    throw error;
  }
  // Not fsynced: a record that a crash brings back finds the file as it should be.
  rmSync(record, { force: true });
}

/**
 * The order is what readers see. First newlines make room up to a whole block behind both contents (and meet a full disk
 * while the old content is still there), then one write puts the new content, newlines behind it, and only then is the rest cut
 * off. So the file is never empty and never ends in the middle, and a file of up to 4 KiB is never a mixture of old and new.
 * Newlines at the end say nothing in INI, JSON, YAML, TOML and .env.
 */
export async function overwrite(target: string, bytes: Buffer, wanted?: Ownership): Promise<void> {
  const fd = openSync(target, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile())
      throw new ConfigSyncError("PATH_FORBIDDEN", `${target} is ${describeKind(stats)}, not a regular file`);
    if (wanted !== undefined) setOwnership(fd, wanted);
    const room = wholeBlocks(Math.max(bytes.length, stats.size));
    if (room > stats.size) {
      makeRoom(fd, stats.size, room);
      reached("room-made");
      await wait(readerPause);
    }
    const padded = padTo(bytes, room);
    if (!writeDirect(fd, padded)) writeFully(fd, padded, 0);
    reached("overwritten");
    if (room > bytes.length) ftruncateSync(fd, bytes.length);
    reached("cut-to-length");
    await syncFile(fd);
  } finally {
    closeSync(fd);
  }
}

export function wholeBlocks(length: number): number {
  return Math.ceil(length / block) * block;
}

export function padTo(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length, newline)]);
}

export function parseRecord(text: string): JournalRecord | undefined {
  try {
    const { target, before, after, sha256 } = JSON.parse(text) as Record<string, unknown>;
    if (typeof target !== "string" || typeof before !== "string" || typeof after !== "string") return undefined;
    const record = { target, before: Buffer.from(before, "base64"), after: Buffer.from(after, "base64") };
    return digest(record) === sha256 ? record : undefined;
  } catch {
    return undefined;
  }
}

function makeRoom(fd: number, from: number, to: number): void {
  try {
    writeFully(fd, Buffer.alloc(to - from, newline), from);
  } catch (error) {
    ftruncateSync(fd, from);
    throw error;
  }
}

async function openRecord(journal: string, record: JournalRecord): Promise<string> {
  mkdirSync(journal, { recursive: true, mode: 0o700 });
  const { target, before, after } = record;
  const path = `${journal}/${recordPrefix}${randomBytes(9).toString("base64url")}.json`;
  const content = {
    target,
    before: before.toString("base64"),
    after: after.toString("base64"),
    sha256: digest(record),
  };
  await writeDurably(path, JSON.stringify(content));
  return path;
}

function digest({ target, before, after }: JournalRecord): string {
  const hash = createHash("sha256").update(`${target}\0${before.length}\0`);
  return hash.update(before).update(after).digest("hex");
}
