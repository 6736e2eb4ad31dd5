import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "../../platform/git.ts";

const mostPacks = 50;
/** Milliseconds: nothing of git's is under way for so long. */
const old = 60 * 60 * 1000;

/**
 * Every import leaves a pack. When there are too many, small ones are put together so that each is twice as large as all smaller ones:
 * their number grows with the logarithm of the revisions, and each revision is rewritten as seldom. Removes what killed gits left.
 */
export async function tidyPacks(git: Git, signal: AbortSignal): Promise<void> {
  const folder = join(git.folder, "objects/pack");
  const files = readdirSync(folder);
  if (files.filter((name) => name.endsWith(".pack")).length <= mostPacks) return;
  for (const name of files.filter((file) => file.startsWith("tmp_"))) removeIfOld(join(folder, name));
  for (const name of readdirSync(git.folder).filter((file) => file.startsWith("fast_import_crash_"))) {
    removeIfOld(join(git.folder, name));
  }
  await git.run(["repack", "--geometric=2", "-d", "--quiet"], { isIdleWork: true, timeout: 30 * 60_000, signal });
}

function removeIfOld(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && Date.now() - stats.mtimeMs > old) rmSync(path, { force: true });
}
