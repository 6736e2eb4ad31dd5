import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Effort, type Measurement, median } from "../measurement.ts";
import { observe } from "../observer.ts";
import { alternate } from "../rounds.ts";
import { newWorkspace, startDaemon, withLeash } from "../subjects.ts";
import { firstValue } from "../workspace.ts";

/** The process is started on a new workspace → its first output is on disk. The compile cache of Node.js is warm. */
export function measureStart(figure: string, { quick }: Effort): Promise<Measurement[]> {
  const rounds = { warmUp: 1, measured: quick ? 2 : 9, rest: 200 };
  return withLeash(async (leash) => {
    const daemon = async (): Promise<number> => {
      const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
      const observer = observe(workspace.outputs[0]?.[0] ?? "");
      const started = performance.now();
      const server = startDaemon(leash, workspace);
      const written = await observer.seen(firstValue);
      observer.close();
      await server.end();
      return written - started;
    };
    const bare = async (): Promise<number> => {
      const started = performance.now();
      await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
      return performance.now() - started;
    };
    const [taken = [], least = []] = await alternate([daemon, bare], rounds);
    const beside = { name: "node -e 0", value: median(least) };
    const what = "process started → first output written, median";
    return [{ figure, what, unit: "ms", value: median(taken), beside, bar: { atMost: 300 } }];
  });
}
