import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen, loadsOf } from "../observer.ts";
import { eachAlone, newWorkspace, subjectOn } from "../subjects.ts";
import { saveByRename, taggedValue } from "../workspace.ts";

/** One change concerns five files that are loaded by the same command → how often it runs. */
export async function measureOneReload(figure: string, effort: Effort): Promise<Measurement[]> {
  const changes = effort.quick ? 1 : 5;
  const measured = await eachAlone(effort, async (leash, program) => {
    const shape = { services: 1, outputsEach: 5, changes: "every output", reloadTakes: 0 } as const;
    const subject = await subjectOn(leash, newWorkspace(leash, shape), program);
    const { config, configWith, outputs, service } = subject;
    const log = service?.log ?? "";
    let reloads = 0;
    for (let change = 1; change <= changes; change++) {
      const before = loadsOf(log).length;
      saveByRename(config, configWith(taggedValue(change)));
      await allSeen([...outputs.flat(), log], taggedValue(change));
      await wait(1000);
      reloads = Math.max(reloads, loadsOf(log).length - before);
    }
    return { reloads };
  });
  const what = "5 files of one reload command change → reloads";
  return [{ figure, what, unit: "reloads", ...measured("reloads"), bar: { atMost: 1 } }];
}
