import { readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";

/** Milliseconds. What git writes it has open; between its last write and a rename lie a few of them. */
const old = 10_000;

/** Whether a file that a git was writing was left behind by it: nobody has it open, as far as we may see into other processes, and it rests. */
export function isAbandoned(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > old && !isOpen(realpathSync(path));
}

function isOpen(path: string): boolean {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => namesIn(`/proc/${pid}/fd`).some((fd) => targetOf(`/proc/${pid}/fd/${fd}`) === path));
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
