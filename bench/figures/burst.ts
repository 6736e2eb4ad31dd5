import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { loadsOf, seenWithin } from "../observer.ts";
import { eachAlone, newWorkspace, type Subject, subjectOn } from "../subjects.ts";
import { saveByRename, settle, taggedValue } from "../workspace.ts";

const changes = 100;
const length = 1000;
// Longer than a reload may come late, and still be one of the burst's.
const aftermath = 2000;

/** 100 changes in one second → how often the service is reloaded, and when it runs on the last of them. */
export async function measureBurst(figure: string, reloadTakes: number, effort: Effort): Promise<Measurement[]> {
  const bursts = effort.quick ? 1 : 3;
  const measured = await eachAlone(effort, async (leash, program) => {
    const shape = { services: 1, outputsEach: 1, changes: "every output", reloadTakes } as const;
    const subject = await subjectOn(leash, newWorkspace(leash, shape), program);
    const worst = { reloads: 0, late: 0 };
    for (let burst = 0; burst < bursts; burst++) {
      const { reloads, late } = await takeBurst(subject, burst * changes);
      worst.reloads = Math.max(worst.reloads, reloads);
      worst.late = Math.max(worst.late, late);
    }
    return worst;
  });
  const how = reloadTakes > 0 ? `, a reload takes ${reloadTakes} ms` : "";
  const beside = { name: "settle.min + reload", value: settle + reloadTakes };
  return [
    {
      ...{ figure, what: `burst of 100 changes in 1 s${how} → reloads`, unit: "reloads" },
      ...{ ...measured("reloads"), bar: { atMost: 2 } },
    },
    {
      ...{ figure, what: `burst${how}: last change saved → loaded`, unit: "ms" },
      ...{ ...measured("late"), beside, bar: { atMost: 300 + reloadTakes } },
    },
  ];
}

async function takeBurst({ config, configWith, service }: Subject, before: number) {
  const { log = "" } = service ?? {};
  const loadsBefore = loadsOf(log).length;
  const began = performance.now();
  let saved = began;
  for (let change = 1; change <= changes; change++) {
    await wait(Math.max(0, began + (change * length) / changes - performance.now()));
    saved = saveByRename(config, configWith(taggedValue(before + change)));
  }
  const loaded = await seenWithin(5000, [log], taggedValue(before + changes));
  await wait(aftermath);
  return { reloads: loadsOf(log).length - loadsBefore, late: loaded - saved };
}
