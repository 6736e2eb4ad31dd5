import { chownSync, statSync, writeFileSync } from "node:fs";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen } from "../observer.ts";
import { eachAlone, newWorkspace, subjectOn } from "../subjects.ts";
import { firstValue, saveByRename, taggedValue } from "../workspace.ts";

const owner = 1234;
const mode = 0o640;

/** An output was there before, with an owner and a mode of its own → how many of four writes take them away. Needs root. */
export async function measureOwner(figure: string, effort: Effort): Promise<Measurement[]> {
  const measured = await eachAlone(effort, async (leash, program) => {
    const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
    const path = workspace.outputs[0]?.[0] ?? "";
    writeFileSync(path, "VALUE=old\n", { mode });
    chownSync(path, owner, owner);
    const { config, configWith } = await subjectOn(leash, workspace, program);
    let lost = 0;
    for (const value of [firstValue, taggedValue(1), taggedValue(2), taggedValue(3)]) {
      saveByRename(config, configWith(value));
      await allSeen([path], value);
      const stats = statSync(path);
      if (stats.uid !== owner || stats.gid !== owner || (stats.mode & 0o777) !== mode) lost++;
    }
    return { lost };
  });
  const what = "owner or mode of an existing file (1234:1234, 0640) lost";
  return [{ figure, what, unit: "times", ...measured("lost"), bar: { atMost: 0 } }];
}
