import { setTimeout as wait } from "node:timers/promises";
import type { Effort, Measurement } from "../measurement.ts";
import { allSeen, loadsOf } from "../observer.ts";
import { daemon, newWorkspace, subjectOn, withLeash } from "../subjects.ts";
import { saveByRename, settle, taggedValue } from "../workspace.ts";

const limit = 3000;

/** A service that is reloaded every three seconds at most, and two changes at once → the second is loaded, too, and in time. */
export function measureRateLimit(figure: string, _effort: Effort): Promise<Measurement[]> {
  return withLeash(async (leash) => {
    const shape = { services: 1, outputsEach: 1, changes: "every output", reloadTakes: 0 } as const;
    const workspace = newWorkspace(leash, { ...shape, manifest: [`reload_every: ${limit}ms`] });
    const { config, configWith, service } = await subjectOn(leash, workspace, daemon);
    const log = service?.log ?? "";
    const change = async (number: number): Promise<number> => {
      saveByRename(config, configWith(taggedValue(number)));
      return allSeen([log], taggedValue(number));
    };
    await wait(limit);
    const first = await change(1);
    // A change of its own, not one of a burst.
    await wait(2 * settle);
    const second = await change(2);
    await wait(1000);
    return [
      {
        ...{ figure, what: "rate limit of 3 s: a second change → loaded, after the first", unit: "ms" },
        ...{ value: second - first, beside: { name: "limit", value: limit }, bar: { atMost: limit + 300 } },
      },
      {
        ...{ figure, what: "rate limit of 3 s: reloads of two changes", unit: "reloads" },
        ...{ value: loadsOf(log).length - 1, bar: { atMost: 2, atLeast: 2 } },
      },
    ];
  });
}
