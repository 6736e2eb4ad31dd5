import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Leash } from "../../test/support/leash.ts";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen } from "../observer.ts";
import { eachAlone, floor, newWorkspace, type Program, subjectOn, withLeash } from "../subjects.ts";
import { saveByRename, settle, taggedValue } from "../workspace.ts";

const changes = 10;

/** What each change of one output is made durable with, as strace sees it. Needs strace, and the right to trace (root). */
export async function measureFsync(figure: string, effort: Effort): Promise<Measurement[]> {
  const { file, folder, all } = await withLeash((leash) => countSyncs(leash, floor));
  const measured = await eachAlone(effort, countSyncs);
  const row = (name: "file" | "folder" | "all", what: string, least: number, bar: Measurement["bar"]): Measurement => ({
    ...{ figure, what, unit: "calls", ...measured(name), bar },
    beside: { name: "floor", value: least },
  });
  return [
    row("file", "fsync of the new file, each change", file, { atLeast: 1 }),
    row("folder", "fsync of its folder, each change", folder, { atLeast: 1 }),
    row("all", "fsync of anything, the ledger too, each change", all, {}),
  ];
}

async function countSyncs(leash: Leash, program: Program) {
  const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
  const { config, configWith, outputs, process } = await subjectOn(leash, workspace, program);
  const path = outputs[0]?.[0] ?? "";
  const synced = await traceSyncs(process.pid, join(leash.folder, "trace"), async () => {
    for (let change = 1; change <= changes; change++) {
      saveByRename(config, configWith(taggedValue(change)));
      await allSeen([path], taggedValue(change));
      await wait(2 * settle);
    }
  });
  const each = (wanted: (of: string) => boolean): number => synced.filter(wanted).length / changes;
  return {
    file: each((of) => dirname(of) === dirname(path)),
    folder: each((of) => of === dirname(path)),
    all: each(() => true),
  };
}

/** The files and folders that a process asks to be on disk while `work` goes on. */
async function traceSyncs(pid: number, log: string, work: () => Promise<void>): Promise<string[]> {
  // -y: each descriptor with its path. Every thread, for the calls are made on several.
  const args = ["-f", "-y", "-e", "trace=fsync,fdatasync", "-o", log, "-p", String(pid)];
  const tracer = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(tracer, "exit");
  const [said] = await Promise.race([once(tracer.stderr, "data"), ended]);
  if (!String(said).includes("attached")) throw new Error(`strace cannot trace: ${said}`);
  await work();
  tracer.kill("SIGINT");
  await ended;
  const paths = [...readFileSync(log, "utf8").matchAll(/sync\(\d+<([^>]*)>/g)].map(([, path = ""]) => path);
  rmSync(log);
  return paths;
}
