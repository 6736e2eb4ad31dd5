import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { seenWithin } from "../observer.ts";
import { eachAlone, newWorkspace, type Subject, subjectOn } from "../subjects.ts";
import { saveByRename, taggedValue } from "../workspace.ts";

// Whoever has not tried again by then has forgotten it.
const patience = 5000;

/** A reload fails once, and would work the next time → the service runs on the change; also when the program is killed meanwhile. */
export async function measureFailedReload(figure: string, effort: Effort): Promise<Measurement[]> {
  const measured = await eachAlone(effort, async (leash, program) => {
    const shape = { services: 1, outputsEach: 1, changes: "every output", reloadTakes: 0 } as const;
    const subject = await subjectOn(leash, newWorkspace(leash, shape), program);
    const log = [subject.service?.log ?? ""];

    const failed = await changeAndFail(subject, taggedValue(1));
    const loaded = await seenWithin(patience, log, taggedValue(1));

    await changeAndFail(subject, taggedValue(2));
    // Time to hear of the failure, but not to try again.
    await wait(100);
    subject.process.signal("SIGKILL");
    await subject.process.end();
    const restarted = performance.now();
    program(leash, subject);
    const loadedAfterwards = await seenWithin(patience, log, taggedValue(2));
    return { again: loaded - failed, afterwards: loadedAfterwards - restarted };
  });
  const bar = { atMost: patience };
  return [
    { figure, what: "a reload fails once → loaded all the same", unit: "ms", ...measured("again"), bar },
    { figure, what: "the same, and kill -9; started again → loaded", unit: "ms", ...measured("afterwards"), bar },
  ];
}

/** Resolves with the time at which the reload was about to fail. */
async function changeAndFail({ config, configWith, service }: Subject, value: string): Promise<number> {
  const { fail = "" } = service ?? {};
  writeFileSync(fail, "");
  saveByRename(config, configWith(value));
  const end = performance.now() + patience;
  while (existsSync(fail)) {
    if (performance.now() > end) throw new Error("nothing was reloaded");
    await wait(2);
  }
  return performance.now();
}
