import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen } from "../observer.ts";
import { daemonOn, type Subject, withLeash } from "../subjects.ts";
import { saveByRename, taggedValue } from "../workspace.ts";

const sizes = [1, 100, 1000];

/** Memory and processor time when nothing happens, after one change of every output. The daemons idle side by side. */
export function measureIdle(figure: string, { quick }: Effort): Promise<Measurement[]> {
  // Long enough to hold the periodic looks at the sources (2 s) and at every output (30 s) in their usual share.
  const window = quick ? 5_000 : 30_000;
  return withLeash(async (leash) => {
    const daemons: Subject[] = [];
    for (const services of sizes) {
      const daemon = await daemonOn(leash, { services, outputsEach: 1, changes: "every output" });
      saveByRename(daemon.config, daemon.configWith(taggedValue(1)));
      await allSeen(daemon.outputs.flat(), taggedValue(1));
      daemons.push(daemon);
    }
    await wait(2000);
    const before = daemons.map(({ process }) => processorTime(process.pid));
    await wait(window);
    const spent = daemons.map(({ process }, at) => processorTime(process.pid) - (before[at] ?? 0));
    const resident = daemons.map(({ process }) => residentMemory(process.pid));
    const label = (at: number) => `${(sizes[at] ?? 0).toLocaleString("en")} output${at === 0 ? "" : "s"}`;
    return [
      ...resident.map((value, at): Measurement => {
        const what = `memory (RSS), ${label(at)}`;
        if (at === 0) return { figure, what, unit: "MiB", value, bar: { atMost: 80 } };
        const beside = { name: `with ${label(0)}`, value: resident[0] ?? 0 };
        return { figure, what, unit: "MiB", value, beside, bar: { atMost: 80, ratio: 1.25 } };
      }),
      ...spent.map((value, at): Measurement => {
        const what = `processor time in 10 s of idling, ${label(at)}`;
        return { figure, what, unit: "ms", value: (value * 10_000) / window, bar: { atMost: 50 } };
      }),
    ];
  });
}

function residentMemory(pid: number): number {
  const [, kibibytes = Number.NaN] = /^Rss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

/** Milliseconds of user and system time of all its threads. The kernel counts in ticks of 10 ms (proc_pid_stat(5)). */
function processorTime(pid: number): number {
  // The second field is the program's name in parentheses and may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
