/**
 * Writing other programs' files so that no reader ever sees half of one, and no crash leaves one: stage, commit or discard.
 *
 * A staging stands beside its destination, complete, fsynced, with the final owner and mode; commit is one rename. Owner, mode
 * and symlinks of what is there stay; a further hard link keeps the old content, as after every rename, and extended attributes
 * go. Where no rename can work (a file that is itself a mount, a folder that we may not write) the content goes into the existing
 * file behind a journal: see safe-write/in-place.ts.
 */
import { accessSync, constants, mkdirSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { confine, type Destination } from "./confine.ts";
import { reached } from "./reached.ts";
import { readFileNow } from "./safe-write/current.ts";
import { failure } from "./safe-write/failure.ts";
import { replaceInPlace } from "./safe-write/in-place.ts";
import { isMountPoint } from "./safe-write/mounts.ts";
import { type Begun, beginStaging, createStaging, makeFolders, type Ownership } from "./safe-write/staging.ts";
import { syncFolder, syncFolderOf } from "./safe-write/sync.ts";
import { createTurnstile } from "./safe-write/turnstile.ts";

export { type Current, readCurrent, readFileNow as readCurrentNow } from "./safe-write/current.ts";
export { writeDurably } from "./safe-write/durable.ts";
export { failure } from "./safe-write/failure.ts";
export { findLeftovers, finishWrites, recoverWrites, removeLeftovers } from "./safe-write/recover.ts";

export interface StageRequest {
  readonly path: string;
  readonly bytes: Buffer | Uint8Array;
  /** Permission bits. For a new file, and enforced on an existing one. Default for a new file: 0644. */
  readonly mode?: number | undefined;
  /** Owner, likewise. Default for a new file: as its folder when we are root (services run unprivileged), else ourselves. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Write into the existing file instead of replacing it: for a file that a container mounts by itself. */
  readonly inPlace?: boolean | undefined;
  /** Folders (or single files) in which the real destination must lie. */
  readonly roots: readonly string[];
  /** Our own folder for journal records, and for stagings that cannot stand beside their destination. */
  readonly journal: string;
  /**
   * For who has on record what the file is to hold, and makes up for a rename that a power cut undoes. The staging and its name are only
   * begun to be fsynced: `commitFiles` waits for that, and for the rename not.
   */
  readonly recoverable?: boolean | undefined;
}

export interface Staged {
  /** The real destination, symlinks followed. */
  readonly path: string;
  /** The complete new file, for check commands. */
  readonly stagedPath: string;
  readonly method: "rename" | "in-place";
  readonly journal: string;
  /** What the request asked to enforce on an existing file. */
  readonly enforce: Partial<Ownership>;
  readonly recoverable: boolean;
  /** Resolves when the staging is on disk. */
  readonly synced: Promise<unknown>;
}

/** Thrown by commitFiles. Files that were renamed before the failure are visible, and durable as far as possible. */
export class CommitFailed extends ConfigSyncError {
  readonly committed: readonly Staged[];

  constructor(cause: ConfigSyncError, committed: readonly Staged[]) {
    super(cause.code, cause.message, { hint: cause.hint, cause, retryable: cause.retryable });
    this.committed = committed;
  }
}

// Each staging in work holds a descriptor: 1,000 at once would meet the usual limit of 1,024. fsyncs run four at a time anyway.
const turnstile = createTurnstile(16);

/** Makes the new file, invisible under its name so far. Missing parent folders are made. Throws PATH_FORBIDDEN, WRITE_FAILED. */
export function stageFile(request: StageRequest): Promise<Staged> {
  return turnstile(async () => {
    const destination = await openDestination(request);
    const bytes = request.bytes instanceof Buffer ? request.bytes : Buffer.from(request.bytes);
    const { path, folder } = destination;
    const staged = {
      path,
      journal: request.journal,
      enforce: enforced(request),
      recoverable: request.recoverable === true,
    };
    try {
      const isPinned = request.inPlace === true || isMountPoint(path);
      if (destination.existing !== undefined && isPinned) return await stageAside(staged, bytes);
      const begun = beginStaging(folder, bytes, ownershipFor(request, destination));
      return { ...staged, ...(await syncOrBegin(staged, begun, folder)), method: "rename" };
    } catch (error) {
      if (destination.existing !== undefined && mayWriteInPlace(path, error)) return await stageAside(staged, bytes);
      throw failure("write", request.path, error);
    }
  });
}

/**
 * Makes the staged files visible in the given order, then fsyncs every folder concerned once; with what is recoverable it does not wait
 * for that. `onVisible` is told of each file as it becomes visible. Throws CommitFailed (a WRITE_FAILED or PATH_FORBIDDEN) naming the
 * first file that failed; the rest is not touched any more.
 */
export async function commitFiles(staged: readonly Staged[], onVisible?: (staged: Staged) => void): Promise<void> {
  const committed: Staged[] = [];
  const folders = new Set<string>();
  const later = new Set<string>();
  let failed: { readonly file: Staged; readonly error: unknown } | undefined;
  for (const file of staged) {
    await file.synced.catch((error: unknown) => {
      throw new CommitFailed(failure("write", file.path, error), []);
    });
  }
  for (const file of staged) {
    try {
      const folder = dirname(file.path);
      if (!folders.has(folder) && !later.has(folder)) checkStillThere(folder);
      if ((await makeVisible(file)) === "rename") (file.recoverable ? later : folders).add(folder);
      committed.push(file);
      onVisible?.(file);
    } catch (error) {
      failed = { file, error };
      break;
    }
  }
  // Behind whoever waits for us. Where it fails, the next start finds the staging or the file.
  for (const folder of later)
    void endOfTurn(folder)
      .then(syncFolder)
      .catch(() => undefined);
  for (const folder of folders) {
    await syncFolder(folder).catch((error: unknown) => {
      const file = committed.find(({ path }) => dirname(path) === folder);
      if (file !== undefined) failed ??= { file, error };
    });
  }
  reached("folders-synced");
  if (failed !== undefined) throw new CommitFailed(failure("write", failed.file.path, failed.error), committed);
}

/** Deletes stagings that are not wanted. What was committed meanwhile stays. */
export async function discardFiles(staged: readonly Staged[]): Promise<void> {
  for (const { stagedPath } of staged) {
    try {
      rmSync(stagedPath, { force: true });
    } catch {
      // A read-only mount, say: recoverWrites deletes it at the next start, and it is in nobody's way.
    }
  }
}

/** Removes the file that the path leads to (a symlink stays); nothing there is as good. Throws PATH_FORBIDDEN, WRITE_FAILED. */
export async function removeFile(path: string, roots: readonly string[]): Promise<void> {
  const destination = confine(path, roots);
  if (destination.existing === undefined) return;
  try {
    rmSync(destination.path, { force: true });
    reached("removed");
    await syncFolderOf(destination.path);
  } catch (error) {
    throw failure("remove", path, error);
  }
}

async function openDestination({ path, roots }: StageRequest): Promise<Destination> {
  const destination = confine(path, roots);
  if (destination.missing.length === 0) return destination;
  try {
    await makeFolders(destination.missing);
  } catch (error) {
    throw failure("write", path, error);
  }
  // Looked at again: somebody else may have put a symlink where a folder was missing.
  return confine(path, roots);
}

function ownershipFor(request: StageRequest, { existing, folder }: Destination): Ownership {
  const mode = request.mode ?? (existing === undefined ? 0o644 : existing.mode & 0o7777);
  const isRoot = process.getuid?.() === 0;
  const like = existing ?? (isRoot ? statSync(folder) : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  return { uid: request.uid ?? like.uid, gid: request.gid ?? like.gid, mode };
}

function enforced({ mode, uid, gid }: StageRequest): Partial<Ownership> {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

/** No right to create beside it, to replace it, or to give the new file to the old one's owner: but perhaps to write it. */
function mayWriteInPlace(path: string, error: unknown): boolean {
  if (!["EACCES", "EPERM", "EROFS", "EBUSY", "EXDEV"].includes(systemCode(error) ?? "")) return false;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function syncOrBegin(
  { recoverable }: Pick<Staged, "recoverable">,
  { path: stagedPath, sync }: Begun,
  folder: string,
): Promise<Pick<Staged, "stagedPath" | "synced">> {
  if (!recoverable) {
    await sync();
    return { stagedPath, synced: Promise.resolve() };
  }
  const synced = Promise.all([sync(), syncFolder(folder)]);
  // Heard of by `commitFiles`, if it comes to that.
  synced.catch(() => undefined);
  return { stagedPath, synced };
}

async function stageAside(
  staged: Pick<Staged, "path" | "journal" | "enforce" | "recoverable">,
  bytes: Buffer,
): Promise<Staged> {
  mkdirSync(staged.journal, { recursive: true, mode: 0o700 });
  const stagedPath = await createStaging(staged.journal, bytes, undefined);
  return { ...staged, stagedPath, method: "in-place", synced: Promise.resolve() };
}

/** Between staging and commit a folder of the path can have become a symlink to somewhere else. */
function checkStillThere(folder: string): void {
  if (realpathSync.native(folder) === folder) return;
  throw new ConfigSyncError("PATH_FORBIDDEN", `${folder} became a symlink while a file in it was being written`);
}

async function makeVisible({ path, stagedPath, method, journal, enforce }: Staged): Promise<Staged["method"]> {
  if (method === "rename") {
    try {
      renameSync(stagedPath, path);
      reached("renamed");
      return "rename";
    } catch (error) {
      if (!mayWriteInPlace(path, error)) throw error;
    }
  }
  const bytes = readFileNow(stagedPath)?.bytes;
  if (bytes === undefined) throw new ConfigSyncError("WRITE_FAILED", `Cannot write ${path}: its staging is gone`);
  await replaceInPlace(path, bytes, journal, enforce);
  rmSync(stagedPath, { force: true });
  return "in-place";
}
