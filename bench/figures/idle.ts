import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen } from "../observer.ts";
import { oursAndPeer, type Subject, subjectsOn, withLeash } from "../subjects.ts";
import { saveByRename, taggedValue } from "../workspace.ts";

const sizes = [1, 100, 1000] as const;

/** Memory and processor time when nothing happens, after one change of every output. All of them idle side by side. */
export function measureIdle(figure: string, effort: Effort): Promise<Measurement[]> {
  // Long enough to hold the periodic looks at the sources (2 s) and at every output (30 s) in their usual share.
  const window = effort.quick ? 5_000 : 30_000;
  return withLeash(async (leash) => {
    const programs = oursAndPeer(effort);
    const subjects: Subject[] = [];
    for (const services of sizes) {
      const shape = { services, outputsEach: 1, changes: "every output" } as const;
      subjects.push(...(await subjectsOn(leash, shape, programs)));
    }
    for (const { config, configWith, outputs } of subjects) {
      saveByRename(config, configWith(taggedValue(1)));
      await allSeen(outputs.flat(), taggedValue(1));
    }
    await wait(2000);
    const before = subjects.map(({ process }) => processorTime(process.pid));
    await wait(window);
    const spent = subjects.map(({ process }, at) => processorTime(process.pid) - (before[at] ?? 0));
    const inTenSeconds = spent.map((milliseconds) => (milliseconds * 10_000) / window);
    const resident = subjects.map(({ process }) => residentMemory(process.pid));
    const [least = 0] = resident;
    /** Of the programs' numbers for one size after the other: ours, and the peer's where there is one. */
    const ofSize = (taken: readonly number[], at: number) => {
      const [value = Number.NaN, peer] = taken.slice(at * programs.length, (at + 1) * programs.length);
      return { value, peer };
    };
    return [
      ...sizes.map((size, at): Measurement => {
        const row = { figure, what: `memory (RSS), ${label(size)}`, unit: "MiB", ...ofSize(resident, at) } as const;
        if (at === 0) return { ...row, bar: { atMost: 80 } };
        return { ...row, beside: { name: `with ${label(sizes[0])}`, value: least }, bar: { atMost: 80, ratio: 1.25 } };
      }),
      ...sizes.map((size, at): Measurement => {
        const what = `processor time in 10 s of idling, ${label(size)}`;
        return { figure, what, unit: "ms", ...ofSize(inTenSeconds, at), bar: { atMost: 50 } };
      }),
    ];
  });
}

function label(outputs: number): string {
  return outputs === 1 ? "1 output" : `${outputs.toLocaleString("en")} outputs`;
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
