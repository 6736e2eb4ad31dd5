import type { Git } from "../../platform/git.ts";
import type { Archive } from "./archive.ts";
import { listCommits } from "./commit-list.ts";
import type { Contents, Pending } from "./contents.ts";
import {
  beginRepository,
  deleteBranch,
  hasCommit,
  hasRepository,
  isAncestor,
  pointBranch,
  readTip,
} from "./repository.ts";

/** What the next commit stands on. */
export interface Ground {
  /** Null for the first of all. */
  readonly tip: string | null;
  /** The commits of the oldest pending revisions that are there already: a crash came before they were taken out of the journal. */
  readonly already: readonly string[];
  /** The repository does not have the commit that the journal knows: it was deleted, or is another one. */
  readonly isLost: boolean;
}

/**
 * Finds out where the next commit goes, whatever was done to the repository meanwhile. Commits that somebody made on top of ours stay
 * where they are, and ours go on top of them. A branch that was moved elsewhere comes back to ours; what it held gets a name.
 */
export async function findGround(
  git: Git,
  archive: Archive,
  contents: Contents,
  tell: (message: string) => void,
): Promise<Ground> {
  const { commit, pending } = contents;
  const isWhole = hasRepository(git.folder);
  if (!isWhole) await beginRepository(git);
  const tip = await readTip(git);
  if (isWhole && tip === commit) return { tip, already: [], isLost: false };
  if (commit !== null && !(await hasCommit(git, commit))) return { tip, already: [], isLost: true };
  if (tip !== null && !(await hasCommit(git, tip))) {
    // All that is left of a repository whose objects were deleted.
    await deleteBranch(git);
    return findGround(git, archive, contents, tell);
  }
  if (tip === null || (commit !== null && !(await isAncestor(git, commit, tip)))) {
    await bringBack(git, commit, tip, tell);
    return { tip: commit, already: [], isLost: false };
  }
  const { revisions } = await listCommits(git, commit === null ? tip : `${commit}..${tip}`);
  return { tip, already: await matchAll(archive, pending, revisions), isLost: false };
}

async function bringBack(
  git: Git,
  ours: string | null,
  theirs: string | null,
  tell: (message: string) => void,
): Promise<void> {
  if (ours === null) return;
  if (theirs !== null) {
    const name = `found-${theirs.slice(0, 10)}`;
    await git.run(["update-ref", `refs/heads/${name}`, theirs]);
    tell(`the branch main of ${git.folder} did not hold the history any more; what it held is now the branch ${name}`);
  } else tell(`the branch main of ${git.folder} was deleted and is there again`);
  await pointBranch(git, ours, theirs);
}

/** As many of the oldest pending ones as are there with all that is said of them: a number alone proves nothing. */
async function matchAll(
  archive: Archive,
  pending: readonly Pending[],
  listed: readonly { app: string; number: number; id: string }[],
): Promise<string[]> {
  const ids = new Map(listed.map(({ app, number, id }) => [`${app}/${number}`, id]));
  const found: string[] = [];
  for (const { app, info, entries } of pending) {
    const id = ids.get(`${app}/${info.number}`);
    const there = id === undefined ? undefined : await archive.recorded(id, app);
    if (id === undefined || JSON.stringify(there) !== JSON.stringify({ info, entries })) break;
    found.push(id);
  }
  return found;
}
