import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";

/** Ticks of all processors since the machine was started, see proc_stat(5). */
export interface ProcessorTicks {
  readonly all: number;
  /** In which something here was to run, and the host let others run. */
  readonly stolen: number;
}

/** What the figures depend on, in one line: `folder` is where the files are written, `from` the ticks when measuring began. */
export function describeMachine(folder: string, from: ProcessorTicks): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    new Date().toISOString().slice(0, 10),
    `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`,
    memory,
    `${type()} ${release()}`,
    `Node.js ${process.versions.node}`,
    fileSystemOf(folder),
    `${stolenSince(from)} % of the processors' time taken by others on the host`,
  ].join(", ");
}

export function processorTicks(): ProcessorTicks {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  // The last two are in the first two already.
  const ticks = line.split(/ +/).slice(1, 9).map(Number);
  return { all: ticks.reduce((sum, one) => sum + one, 0), stolen: ticks[7] ?? 0 };
}

function stolenSince(from: ProcessorTicks): string {
  const { all, stolen } = processorTicks();
  return ((100 * (stolen - from.stolen)) / (all - from.all)).toFixed(1);
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
