import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen } from "../observer.ts";
import type { Tally } from "../reader.ts";
import { eachAlone, newWorkspace, subjectOn } from "../subjects.ts";
import { saveByRename, settle, taggedValue } from "../workspace.ts";

const updates = 40;

/**
 * The output is a single file that is mounted from elsewhere, as into a container: no rename can replace it. Another process
 * reads it as fast as it can → how often it read something broken. Needs root, for the mount.
 */
export async function measureBindMount(figure: string, effort: Effort): Promise<Measurement[]> {
  const runs = effort.quick ? 1 : 3;
  const measured = await eachAlone(effort, async (leash, program) => {
    const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
    const path = workspace.outputs[0]?.[0] ?? "";
    const source = join(workspace.folder, "volume.env");
    for (const file of [path, source]) writeFileSync(file, "VALUE=old\n");
    execFileSync("mount", ["--bind", source, path]);
    const { config, configWith } = await subjectOn(leash, workspace, program);
    const reader = fork(join(import.meta.dirname, "../reader.ts"), [source]);
    for (let update = 1; update <= runs * updates; update++) {
      // By turns longer and shorter than the one before.
      const value = taggedValue(update % 2 === 0 ? update : update + 1_000_000);
      saveByRename(config, configWith(value));
      // No event tells of a write through the mount.
      await allSeen([path], value);
      await wait(settle);
    }
    reader.send("how many?");
    const [{ reads, broken }] = (await once(reader, "message")) as [Tally];
    reader.disconnect();
    return { reads, broken };
  });
  const beside = { name: "in all", value: measured("reads").value };
  const what = `single-file mount, ${runs * updates} changes → broken reads`;
  return [{ figure, what, unit: "reads", ...measured("broken"), beside, bar: { atMost: 0 } }];
}
