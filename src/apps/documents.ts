/** The documents of an app on disk: replaced as one, and brought to an end where a crash came in between. */
import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigSyncError } from "../errors.ts";
import type { Document, History, OnWritten, RevisionInfo } from "../history/history.ts";
import { reached } from "../platform/reached.ts";
import {
  commitFiles,
  discardFiles,
  findLeftovers,
  readCurrentNow,
  removeLeftovers,
  type Staged,
  stageFile,
} from "../platform/safe-write.ts";
import type { SourceDocument } from "../sources/source.ts";

/** A document that stands in a file. */
export interface Filed {
  readonly name: string;
  readonly document: Pick<SourceDocument, "path">;
}

/** Whether the file holds exactly these bytes. */
export function isOnDisk({ path }: Pick<SourceDocument, "path">, bytes: Buffer | undefined): boolean {
  const now = readCurrentNow(path)?.bytes;
  return bytes === undefined ? now === undefined : now?.equals(bytes) === true;
}

/** Whether a revision has these documents and no others. */
export function isSame(documents: readonly Document[], known: ReadonlyMap<string, Buffer>): boolean {
  return documents.length === known.size && documents.every(({ name, bytes }) => known.get(name)?.equals(bytes));
}

export interface Replacing {
  /** What the files hold, by source: another content is somebody's edit and is not overwritten. */
  readonly known: ReadonlyMap<string, Buffer>;
  readonly journal: string;
  /** Records the revision, as `History.append` does. Afterwards it counts, so that comes last before the files are renamed. */
  readonly record: (onWritten: OnWritten) => Promise<RevisionInfo>;
  /** Called when the revision is on its way to the disk, and waited for in the end. */
  readonly witness?: ((revision: RevisionInfo) => Promise<void>) | undefined;
}

/**
 * Replaces the documents. Everything that can go wrong for want of room or rights does so before the revision is recorded. Throws
 * REVISION_MOVED when somebody wrote one of the files meanwhile, as far as the moment before the rename; then none is touched.
 *
 * The disk is waited for once: for the new contents under the names of their stagings, the revision and the witness, side by side. A power
 * cut within that leaves a change that nobody was answered, whole or not at all, as the files say. One that undoes a rename after it is
 * made up for by `finishInterrupted`.
 */
export async function replaceDocuments(
  contents: ReadonlyMap<Filed, Buffer>,
  { known, journal, record, witness }: Replacing,
): Promise<RevisionInfo> {
  const staged: Staged[] = [];
  let witnessing: Promise<void> | undefined;
  const refuseIfTouched = (): void => {
    for (const { name, document } of contents.keys()) if (!isOnDisk(document, known.get(name))) throw touched(name);
  };
  try {
    for (const [{ document }, bytes] of contents) {
      // The settings say where it is; behind symlinks that can be anywhere.
      staged.push(await stageFile({ path: document.path, bytes, roots: ["/"], journal, recoverable: true }));
    }
    refuseIfTouched();
    const revision = await record((written) => {
      witnessing = witness?.(written);
      witnessing?.catch(() => undefined);
    });
    reached("recorded");
    refuseIfTouched();
    await commitFiles(staged);
    await witnessing;
    return revision;
  } catch (error) {
    await discardFiles(staged);
    throw error;
  }
}

function touched(name: string): ConfigSyncError {
  return new ConfigSyncError("REVISION_MOVED", `somebody edited ${name} in this very moment`, {
    hint: "Look at what changed and repeat the change on it",
  });
}

export interface Interrupted {
  readonly app: string;
  readonly writable: readonly Filed[];
  readonly journal: string;
  readonly head: RevisionInfo | undefined;
  /** Of the head. */
  readonly documents: () => Promise<readonly Document[] | undefined>;
  readonly history: Pick<History, "get">;
}

/**
 * A crash between recording a revision and renaming its files leaves stagings with the new content beside the old one: the change is
 * carried out. Any other content of a file is somebody's edit and stays. Returns what was mended, a sentence each.
 */
export async function finishInterrupted(found: Interrupted): Promise<string[]> {
  const { app, writable, journal, head, history } = found;
  const folders = [...new Set([journal, ...writable.flatMap(({ document }) => realFolder(document.path))])];
  const leftovers = folders.flatMap(findLeftovers);
  if (leftovers.length === 0) return [];
  const mended: string[] = [];
  const recorded = (await found.documents()) ?? [];
  const before = typeof head?.parent === "number" ? (await history.get(app, head.parent))?.documents : undefined;
  for (const { name, document } of writable) {
    const wanted = bytesOf(recorded, name);
    const isInterrupted =
      wanted !== undefined &&
      isOnDisk(document, bytesOf(before, name)) &&
      leftovers.some((path) => readCurrentNow(path)?.bytes.equals(wanted));
    if (!isInterrupted) continue;
    await commitFiles([await stageFile({ path: document.path, bytes: wanted, roots: ["/"], journal })]);
    mended.push(`Finished the interrupted change of ${name} to revision ${head?.number}`);
  }
  // What the journal holds besides is looked after by whoever wrote it.
  return [...mended, ...folders.filter((folder) => folder !== journal).flatMap(removeLeftovers)];
}

function bytesOf(documents: readonly Document[] | undefined, name: string): Buffer | undefined {
  const bytes = documents?.find((document) => document.name === name)?.bytes;
  return bytes === undefined ? undefined : Buffer.from(bytes);
}

/** Behind symlinks, stagings stand beside the file that the link leads to. */
function realFolder(path: string): string[] {
  try {
    return [dirname(realpathSync(path))];
  } catch {
    return [];
  }
}
