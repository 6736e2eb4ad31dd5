import { readdirSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { sep } from "node:path";

/** Milliseconds. git holds the lock of a reference for a few of them. */
const old = 10_000;

/**
 * Removes the lock file that git says is in its way, where a killed git left it: older than any work takes, and open in no process.
 * Returns a sentence about it, or nothing where it stays.
 */
export function removeStaleLock(complaint: string, folder: string): string | undefined {
  const [, path = ""] = /'([^'\n]+\.lock)': File exists/.exec(complaint) ?? [];
  if (path === "" || !isInside(path, folder) || !isOld(path) || isOpen(path)) return undefined;
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

function isOld(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > old;
}

/** As far as we may see into other processes. */
function isOpen(path: string): boolean {
  const real = realpathSync(path);
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => namesIn(`/proc/${pid}/fd`).some((fd) => targetOf(`/proc/${pid}/fd/${fd}`) === real));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
