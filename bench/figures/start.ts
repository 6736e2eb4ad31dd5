import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Leash } from "../../test/support/leash.ts";
import { type Effort, type Measurement, median } from "../measurement.ts";
import { observe } from "../observer.ts";
import { alternate, type Sample } from "../rounds.ts";
import { newWorkspace, oursAndPeer, type Program, withLeash } from "../subjects.ts";
import { firstValue } from "../workspace.ts";

/** The process is started on a new workspace → its first output is on disk. The compile cache of Node.js is warm. */
export function measureStart(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = { warmUp: 1, measured: effort.quick ? 2 : 9, rest: 200 };
  return withLeash(async (leash) => {
    const samples = oursAndPeer(effort).map((program) => startAndSee(leash, program));
    const [least = [], ours = [], peers] = await alternate([startBare, ...samples], rounds);
    const beside = { name: "node -e 0", value: median(least) };
    const what = "process started → first output written, median";
    const peer = peers && median(peers);
    return [{ figure, what, unit: "ms", value: median(ours), beside, peer, bar: { atMost: 300 } }];
  });
}

async function startBare(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - started;
}

function startAndSee(leash: Leash, program: Program): Sample {
  return async () => {
    const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
    const observer = observe(workspace.outputs[0]?.[0] ?? "");
    const started = performance.now();
    const server = program(leash, workspace);
    const written = await observer.seen(firstValue);
    observer.close();
    await server.end();
    return written - started;
  };
}
