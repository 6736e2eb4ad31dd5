/**
 * The ledger on disk: lines are appended, many services' with one fsync, and the file is rewritten whole and atomically at start,
 * when it has grown, and whenever it is not as it was left: deleted, cut off, replaced, or not written to the end.
 */
import { statSync } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { reached } from "../platform/reached.ts";
import { failure, writeDurably } from "../platform/safe-write.ts";

export interface LedgerFile {
  /** What the key stands for is to be written as it is then. */
  readonly touch: (key: string | undefined) => void;
  /** Resolves when everything touched so far would survive a power cut. Throws WRITE_FAILED. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface LedgerTexts {
  readonly whole: () => string;
  readonly line: (key: string | undefined) => string;
}

const compactAbove = 4 * 1024 * 1024;

/** Milliseconds until what nobody waits for is written: by then most services are through their turn. */
const lazily = 50;

/** Milliseconds until it is tried again where it failed. */
const again = 1000;

/**
 * Group commit: whatever was touched while one round ran goes out with the next, one line a key. Only a round that somebody
 * waits for is fsynced; what a power cut takes from the others is found out again by looking.
 */
export function openLedgerFile(path: string, texts: LedgerTexts): LedgerFile {
  const touched = new Set<string | undefined>();
  let file: Opened | undefined;
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let isUrgent = false;
  let unsynced = true;
  let timer: NodeJS.Timeout | undefined;

  const writeRound = async (): Promise<void> => {
    const urgent = isUrgent;
    const lines = Buffer.from([...touched].map(texts.line).join(""));
    next = undefined;
    isUrgent = false;
    touched.clear();
    try {
      if (file === undefined || file.size + lines.length > file.compactAt || !isAsLeft(path, file)) await rewrite();
      else await append(file, lines, urgent);
    } catch (error) {
      await giveUp();
      throw failure("write", path, error);
    }
  };

  const append = async (to: Opened, lines: Buffer, urgent: boolean): Promise<void> => {
    if (!urgent) unsynced = true;
    if (lines.length > 0) await to.handle.appendFile(lines);
    to.size += lines.length;
    reached("ledger-appended");
    if (!urgent) return;
    await to.handle.datasync();
    reached("ledger-synced");
    unsynced = false;
  };

  const rewrite = async (): Promise<void> => {
    await letGo();
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(path, texts.whole());
    reached("ledger-replaced");
    file = await openToAppend(path);
    unsynced = false;
  };

  /** What could not be appended is in memory: a later round that works brings the whole file up to date. */
  const giveUp = async (): Promise<void> => {
    unsynced = true;
    await letGo().catch(() => undefined);
    writeSoon(again);
  };

  const letGo = async (): Promise<void> => {
    const { handle } = file ?? {};
    file = undefined;
    await handle?.close();
  };

  const writeSoon = (pause: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      // Whoever waits for durability meets the failure; what only wants to be remembered goes on in memory.
      startRound(false).catch(() => undefined);
    }, pause).unref();
  };

  const cancelTimer = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };

  const startRound = (urgent: boolean): Promise<void> => {
    isUrgent ||= urgent;
    next ??= current = current.catch(() => undefined).then(writeRound);
    return next;
  };

  const flush = (): Promise<void> => {
    cancelTimer();
    return touched.size > 0 || unsynced ? startRound(true) : current;
  };

  return {
    touch: (key) => {
      touched.add(key);
      writeSoon(lazily);
    },
    flush,
    close: async () => {
      try {
        await flush();
      } finally {
        cancelTimer();
        await letGo();
      }
    },
  };
}

interface Opened {
  readonly handle: FileHandle;
  readonly inode: number;
  /** Bytes. */
  size: number;
  /** A ledger whose live records alone exceed the limit must not be rewritten at every line. */
  readonly compactAt: number;
}

async function openToAppend(path: string): Promise<Opened> {
  const handle = await open(path, "a", 0o600);
  const { ino: inode, size } = await handle.stat();
  return { handle, inode, size, compactAt: Math.max(compactAbove, 2 * size) };
}

/** Nobody deleted it, put another in its place or cut it off: lines behind that would be lost. */
function isAsLeft(path: string, { inode, size }: Opened): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.ino === inode && stats.size === size;
}
