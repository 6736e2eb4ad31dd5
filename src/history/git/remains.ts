/** What a killed git leaves behind: a lock that is in everybody's way, and files that only take room. */
import { readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join, sep } from "node:path";
import { isAbandoned } from "../../platform/git/abandoned.ts";

/** Removes the lock file that git complains about, where it was left behind. Returns a sentence about it, or nothing where it stays. */
export function removeLock(complaint: string, folder: string): string | undefined {
  const [, path = ""] = /'([^'\n]+\.lock)': File exists/.exec(complaint) ?? [];
  if (!isInside(path, folder) || !isAbandoned(path)) return undefined;
  rmSync(path, { force: true });
  return `removed ${path}, which a killed git left behind`;
}

function isInside(path: string, folder: string): boolean {
  try {
    return realpathSync(path).startsWith(`${realpathSync(folder)}${sep}`);
  } catch {
    return false;
  }
}

/** Removes unfinished packs, the marks that keep others from being put together, and reports of failed imports. */
export function removeRemains(folder: string): void {
  const packs = join(folder, "objects/pack");
  for (const path of [...filesIn(packs), ...filesIn(folder)]) {
    if (isRemain(path) && isAbandoned(path)) rmSync(path, { force: true });
  }
}

function isRemain(path: string): boolean {
  if (path.endsWith(".keep")) return readFileSync(path, "latin1") === "fast-import";
  return /\/(tmp_(pack|idx)_\w+|fast_import_crash_\d+)$/.test(path);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(folder, name));
}
