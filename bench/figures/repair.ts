import { rmSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { seenWithin } from "../observer.ts";
import { eachAlone, newWorkspace, subjectOn } from "../subjects.ts";
import { firstValue } from "../workspace.ts";

// Whoever has not looked by then leaves it to the next change.
const patience = 5000;

/** Somebody edits an output by hand, or deletes it → it is as it should be; the slowest of some workspaces. */
export async function measureRepair(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? 1 : 3;
  const measured = await eachAlone(effort, async (leash, program) => {
    const slowest = { edit: 0, deletion: 0 };
    for (let round = 0; round < rounds; round++) {
      const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
      const subject = await subjectOn(leash, workspace, program);
      const path = subject.outputs[0]?.[0] ?? "";
      const afterwards = async (damage: () => void): Promise<number> => {
        const began = performance.now();
        damage();
        return (await seenWithin(patience, [path], firstValue)) - began;
      };
      const edit = await afterwards(() => writeFileSync(path, "VALUE=by hand\n"));
      await wait(500);
      const deletion = await afterwards(() => rmSync(path));
      slowest.edit = Math.max(slowest.edit, edit);
      slowest.deletion = Math.max(slowest.deletion, deletion);
      await subject.process.end();
    }
    return slowest;
  });
  const bar = { atMost: 1000 };
  return [
    { figure, what: "an output is edited by hand → repaired", unit: "ms", ...measured("edit"), bar },
    { figure, what: "an output is deleted → repaired", unit: "ms", ...measured("deletion"), bar },
  ];
}
