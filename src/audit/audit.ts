/**
 * The audit log of a workspace: who did what. Several processes may append to it; what is asked for while one round is on its way
 * to the disk goes out with the next, in one write and one fsync.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { ConfigSyncError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import { withLockFile } from "../platform/lock-file.ts";
import { syncAdded, syncFolder, syncFolderOf } from "../platform/safe-write/sync.ts";
import { failure } from "../platform/safe-write.ts";
import { formatEntry, type Link, type Told } from "./entry.ts";
import { beginHead, fileOf, writeHead } from "./files.ts";
import { type Found, mendEnd } from "./mend.ts";

export interface Audit {
  /** Resolves when the entry would survive a power cut. Throws WRITE_FAILED, STATE_UNUSABLE; then it is not on record. */
  readonly append: (told: Told) => Promise<void>;
  /** The newest entry that this process knows of; undefined before its first one. */
  readonly head: () => Link | undefined;
  /** Resolves when nothing is on its way any more: `head` in the folder is as new as the lines, and others may write. */
  readonly settled: () => Promise<void>;
}

export interface AuditOptions {
  /** See `auditFolder`. It is made with the first entry. */
  readonly folder: string;
  readonly clock: Pick<Clock, "now">;
  /** Bytes from which on the next file is begun. */
  readonly rotateAbove?: number;
}

/** A file that one reads as a whole. */
const usualFile = 4 * 1024 * 1024;

/** Milliseconds: what holds the lock makes one write and one fsync. Who was taken for dead loses nothing, see `writeRound`. */
const patience = { stale: 1000, longest: 20_000 };

interface Waiting {
  readonly told: Told;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The end of the chain, and the state of the file that it was found in. */
interface End extends Found {
  readonly inode: number;
}

/** Does nothing until the first entry. */
export function openAudit({ folder, clock, rotateAbove = usualFile }: AuditOptions): Audit {
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let end: End | undefined;

  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await writeRound(batch);
      } catch (error) {
        // Of those who have their answer nobody hears it, and nothing of theirs is lost: the next round finds what is amiss.
        const thrown = failure("write", folder, error);
        for (const { reject } of batch) reject(thrown);
      }
    }
    running = undefined;
  };

  const writeRound = async (batch: readonly Waiting[]): Promise<void> => {
    // Somebody waits for this, and to look takes a quarter of the time.
    if (!isFolder(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    await withLockFile(
      `${folder}/lock`,
      async (isHeld) => {
        const from = end !== undefined && isAsLeft(folder, end) ? end : mendEnd(folder, end?.link);
        const { text, link } = formatAll([...from.mended, ...batch.map(({ told }) => told)], clock.now(), from.link);
        const isNew = from.number === 0 || from.size > rotateAbove;
        const number = isNew ? from.number + 1 : from.number;
        // From the first line on there is a head: that it is not there always means something.
        if ((number === 1 && isNew) || from.mended.length > 0) await beginHead(folder, from.link);
        // Behind this only the fsync takes time: whoever takes the lock over then finds the lines, and goes on behind them.
        if (!isHeld())
          throw new ConfigSyncError("STATE_UNUSABLE", `${folder} was written by another process meanwhile`);
        end = { link, number, mended: [], ...(await appendTo(fileOf(folder, number), text)) };
        if (isNew) await Promise.all([syncFolder(folder), syncFolderOf(folder)]);
        for (const { resolve } of batch) resolve();
        // Who waits for that goes first.
        await endOfTurn();
        // Whoever took the lock over meanwhile wrote a newer one.
        if (isHeld()) writeHead(folder, link);
      },
      patience,
    );
  };

  return {
    append: (told) =>
      new Promise((resolve, reject) => {
        waiting.push({ told, resolve, reject });
        running ??= work();
      }),
    head: () => end?.link,
    settled: async () => running,
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Nobody appended, cut it off, put another in its place or began the next one. */
function isAsLeft(folder: string, { number, inode, size }: End): boolean {
  const stats = statSync(fileOf(folder, number), { throwIfNoEntry: false });
  const next = statSync(fileOf(folder, number + 1), { throwIfNoEntry: false });
  return stats?.ino === inode && stats.size === size && next === undefined;
}

function formatAll(entries: readonly Told[], at: number, before: Link): { readonly text: string; readonly link: Link } {
  let link = before;
  let text = "";
  for (const told of entries) {
    const made = formatEntry(told, at, link);
    text += made.line;
    link = made.link;
  }
  return { text, link };
}

async function appendTo(file: string, text: string): Promise<Pick<End, "inode" | "size">> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    // As many calls as it takes: what a full disk leaves half written is cut off by the next round.
    writeFileSync(fd, text);
    await syncAdded(fd);
    const { ino: inode, size } = fstatSync(fd);
    return { inode, size };
  } finally {
    closeSync(fd);
  }
}
