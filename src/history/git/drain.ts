/** From the journal into the repository, in batches, beside everything else. */
import type { Git } from "../../platform/git.ts";
import type { Archive } from "./archive.ts";
import { type Background, inBackground } from "./background.ts";
import type { Contents, Pending } from "./contents.ts";
import { findGround } from "./ground.ts";
import { importRevisions } from "./import.ts";
import type { Journal } from "./journal.ts";
import { removeLock, removeRemains } from "./remains.ts";
import { hasRepository } from "./repository.ts";
import { tidyPacks } from "./tidy.ts";

export interface DrainOptions {
  readonly git: Git;
  readonly journal: Journal;
  readonly archive: Archive;
  /** Ends a running git. */
  readonly signal: AbortSignal;
  readonly tell: (message: string) => void;
  readonly onFiled: () => void;
}

/**
 * Milliseconds without another revision until what was appended is a commit, and at most: a burst of changes is one process. To start one
 * costs ten milliseconds and more in which nothing else goes on here, and git then has the disk to itself for as long again.
 */
const pause = 500;
const longest = 30_000;
const mostRevisions = 2000;
const mostBytes = 16 * 1024 * 1024;

export function drainInBackground({ git, journal, archive, signal, tell, onFiled }: DrainOptions): Background {
  const round = async (): Promise<void> => {
    const { pending } = await journal.claim();
    const isMoved = pending.length > 0;
    for (;;) {
      const contents = await journal.claim();
      if (contents.pending.length === 0) break;
      await fileSome(contents).catch(cleanUp);
    }
    await journal.release();
    if (!isMoved) return;
    onFiled();
    await tidyPacks(git, signal);
  };

  const fileSome = async (contents: Contents): Promise<void> => {
    const { tip, already, isLost } = await findGround(git, archive, contents, tell);
    if (isLost) await journal.forgetRepository();
    else if (already.length > 0) await fileAs(contents, already, tip);
    else {
      const commits = await importRevisions(git, tip, firstBatch(contents.pending), signal);
      await fileAs(contents, commits, commits.at(-1) ?? tip);
    }
  };

  /** Readers find a revision here or there at every moment. */
  const fileAs = async (contents: Contents, commits: readonly string[], tip: string | null): Promise<void> => {
    archive.filed(contents, contents.pending.slice(0, commits.length), commits);
    await journal.filed(commits.length, tip);
  };

  /** Tries again at once where a lock was all that was the matter. What failed imports leave must not fill a disk that is full. */
  const cleanUp = (error: unknown): void => {
    const removed = removeLock(String(error), git.folder);
    if (removed === undefined) {
      if (hasRepository(git.folder)) removeRemains(git.folder);
      throw error;
    }
    tell(removed);
  };

  return inBackground({ round, pause, longest, tell, says: "the history is not in its git repository yet" });
}

function firstBatch(pending: readonly Pending[]): readonly Pending[] {
  let size = 0;
  const end = pending.findIndex((one, index) => {
    size += one.size;
    return index > 0 && (index === mostRevisions || size > mostBytes);
  });
  return end === -1 ? pending.slice() : pending.slice(0, end);
}
