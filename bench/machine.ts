import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";

/** What the figures depend on, in one line: `folder` is where the files are written. */
export function describeMachine(folder: string): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    new Date().toISOString().slice(0, 10),
    `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`,
    memory,
    `${type()} ${release()}`,
    `Node.js ${process.versions.node}`,
    fileSystemOf(folder),
  ].join(", ");
}

/** Device and kind of the file system that a folder is on: fsync costs nothing on tmpfs and everything on a slow disk. */
function fileSystemOf(folder: string): string {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point = ""]) => folder === point || folder.startsWith(point === "/" ? "/" : `${point}/`));
  const [device, , kind] = mounts.sort(([, a = ""], [, b = ""]) => a.length - b.length).at(-1) ?? [];
  return `${kind ?? "unknown file system"} on ${device ?? "?"}`;
}
