import { ftruncateSync, statSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { syncAdded } from "../../platform/safe-write/sync.ts";

/** A file that one process appends to. */
export interface JournalFile {
  readonly size: () => number;
  /**
   * Resolves when the bytes would survive a power cut; `onWritten` is told when that is all that is missing. Otherwise throws the system
   * error, and none of them is in the file.
   */
  readonly append: (bytes: Buffer, onWritten: () => void) => Promise<void>;
  /** Nobody deleted it, put another in its place or cut it off, and what failed could be taken back. */
  readonly isAsLeft: () => boolean;
  readonly close: () => Promise<void>;
}

export async function openJournalFile(path: string): Promise<JournalFile> {
  const handle = await open(path, "r+");
  const { ino: inode, size: begin } = await handle.stat();
  let size = begin;
  let isSure = true;

  const takeBack = async (): Promise<void> => {
    isSure = false;
    ftruncateSync(handle.fd, size);
    await syncAdded(handle.fd);
    isSure = true;
  };

  return {
    size: () => size,
    append: async (bytes, onWritten) => {
      try {
        writeFully(handle.fd, bytes, size);
        const synced = syncAdded(handle.fd);
        onWritten();
        await synced;
      } catch (error) {
        await takeBack().catch(() => undefined);
        throw error;
      }
      size += bytes.length;
    },
    isAsLeft: () => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return isSure && stats?.ino === inode && stats.size === size;
    },
    close: () => handle.close(),
  };
}

/** The kernel takes less than it was given when the disk is nearly full. */
function writeFully(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}
