import { closeSync, fdatasync, fsync, openSync } from "node:fs";
import { dirname } from "node:path";

/** fsync in the thread pool: the one call that waits for the disk, and that file systems do several of at once. */
export function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error === null ? resolve() : reject(error))));
}

/** The same for what was only added to a file: its bytes, and how long it is. */
export function syncAdded(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error === null ? resolve() : reject(error))));
}

/** Makes the names in a folder durable: a rename is on disk only after this. */
export function syncFolder(folder: string): Promise<void> {
  return syncPath(folder);
}

/** What somebody else wrote: a file, or a folder. */
export async function syncPath(path: string): Promise<void> {
  const fd = openSync(path, "r");
  try {
    await syncFile(fd);
  } finally {
    closeSync(fd);
  }
}

export function syncFolderOf(path: string): Promise<void> {
  return syncFolder(dirname(path));
}
