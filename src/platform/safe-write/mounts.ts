import { readFileSync } from "node:fs";

let known: { readonly points: ReadonlySet<string>; readonly at: number } | undefined;

/**
 * Whether something is mounted exactly at `path`, as Docker does with a single file: no rename can replace it. Device numbers
 * do not tell (a bind mount keeps them), so the kernel's table is read, at most once a second; a mount that is younger shows
 * itself by EBUSY at the rename. False where there is no such table (outside Linux).
 */
export function isMountPoint(path: string): boolean {
  const now = performance.now();
  if (known === undefined || now - known.at > 1000) known = { points: readMountPoints(), at: now };
  return known.points.has(path);
}

function readMountPoints(): ReadonlySet<string> {
  let table: string;
  try {
    table = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return new Set();
  }
  // proc_pid_mountinfo(5): the fifth field, with space, tab, newline and backslash in octal.
  const points = table.split("\n").map((line) => line.split(" ")[4] ?? "");
  return new Set(
    points.map((point) => point.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)))),
  );
}
