import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { reached } from "../reached.ts";
import { syncFile, syncFolder } from "./sync.ts";

/**
 * Every staging begins with this: the dot keeps it out of `conf.d/*`, the watcher never looks at such names, and what a crash
 * left behind is recognised by it.
 */
export const stagingPrefix = ".config-sync-";

// Of this process alone: who guesses it gains nothing, since a name that is taken is never opened (O_EXCL).
const names = randomBytes(9).toString("base64url");
let count = 0;

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** The path of the staging. Throws the system error, and leaves nothing behind. */
export async function createStaging(folder: string, bytes: Uint8Array, owner: Ownership | undefined): Promise<string> {
  const { path, sync } = beginStaging(folder, bytes, owner);
  await sync();
  return path;
}

/** A file that is whole for every reader, and on disk when `sync` resolved; where that rejects, it is gone. To be called once. */
export interface Begun {
  readonly path: string;
  readonly sync: () => Promise<void>;
}

/**
 * Writes `bytes` to a new file in `folder`. Owner and mode are final before the first byte is in it, so that a secret is at no moment
 * readable for more people than in the end. Throws the system error, and leaves nothing behind.
 */
export function beginStaging(folder: string, bytes: Uint8Array, owner: Ownership | undefined): Begun {
  const path = `${folder}/${stagingPrefix}${names}-${(++count).toString(36)}`;
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, firstMode(owner));
  reached("staging-begun");
  try {
    if (owner !== undefined) setOwnership(fd, owner);
    writeFully(fd, bytes, 0);
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
  return { path, sync: () => finishStaging(path, fd) };
}

/**
 * What everybody may read in the end may be read from the beginning. Anything else waits for the owner: whoever it is not meant for, be it
 * the final group alone, could open it in between.
 */
function firstMode(owner: Ownership | undefined): number {
  return owner !== undefined && (owner.mode & 0o044) === 0o044 ? 0o644 : 0o600;
}

async function finishStaging(path: string, fd: number): Promise<void> {
  try {
    await syncFile(fd);
    reached("staged");
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Owner first: a change of owner clears the set-user-id bits. Only what differs, so that it works without being root. */
export function setOwnership(fd: number, wanted: Ownership): void {
  const now = fstatSync(fd);
  if (now.uid !== wanted.uid || now.gid !== wanted.gid) fchownSync(fd, wanted.uid, wanted.gid);
  if ((now.mode & 0o7777) !== wanted.mode || (wanted.mode & 0o6000) !== 0) fchmodSync(fd, wanted.mode);
}

/** A write may take less than it was given. */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** Makes the folders that are missing, each owned like the one it stands in, and makes them durable. */
export async function makeFolders(missing: readonly string[]): Promise<void> {
  for (const folder of missing) {
    const parent = dirname(folder);
    try {
      mkdirSync(folder, 0o755);
    } catch (error) {
      // Two outputs of one new folder are staged side by side.
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
    setFolderOwner(folder, statSync(parent));
    await syncFolder(parent);
  }
}

/** By descriptor: whoever owns the folder around it could have put a symlink in its place, and we may be root. */
function setFolderOwner(folder: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const fd = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const made = fstatSync(fd);
    if (process.getuid?.() === 0 && (made.uid !== uid || made.gid !== gid)) fchownSync(fd, uid, gid);
    fchmodSync(fd, 0o755 | (made.mode & 0o2000));
  } finally {
    closeSync(fd);
  }
}
