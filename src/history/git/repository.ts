/** The repository itself: begun where there is none, and brought together with what the journal knows of it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "../../platform/git.ts";
import { syncPath } from "../../platform/safe-write/sync.ts";

export const branch = "refs/heads/main";

export function hasRepository(folder: string): boolean {
  return ["HEAD", "objects", "refs"].every((name) => existsSync(`${folder}/${name}`));
}

/** An empty one; or what is missing of one. */
export async function beginRepository(git: Git): Promise<void> {
  // Without a template: it would bring a folder of sample hooks.
  await git.run(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]);
  // git's own fsync leaves these two out, and an empty HEAD is no repository.
  for (const file of ["HEAD", "config"]) await syncPath(join(git.folder, file));
  for (const folder of ["", "objects", "refs"]) await syncPath(join(git.folder, folder));
}

/** The newest commit; null where there is none. */
export async function readTip(git: Git): Promise<string | null> {
  const plain = readIfThere(join(git.folder, branch));
  if (plain !== undefined && /^[0-9a-f]{40}\n$/.test(plain)) return plain.trim();
  const { output } = await git.run(["rev-parse", "--quiet", "--verify", `${branch}^{commit}`], { answers: [1] });
  return output.toString().trim() || null;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

export async function hasCommit(git: Git, commit: string): Promise<boolean> {
  const { code } = await git.run(["cat-file", "-e", `${commit}^{commit}`], { answers: [1, 128] });
  return code === 0;
}

export async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  const { code } = await git.run(["merge-base", "--is-ancestor", older, newer], { answers: [1] });
  return code === 0;
}

export async function pointBranch(git: Git, to: string, from: string | null): Promise<void> {
  await git.run(["update-ref", branch, to, from ?? "0".repeat(40)]);
}

export async function deleteBranch(git: Git): Promise<void> {
  await git.run(["update-ref", "-d", branch]);
}
