import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { observe } from "../observer.ts";
import { alternate, type Sample } from "../rounds.ts";
import { daemonOn, floorOn, type Subject, withLeash } from "../subjects.ts";
import { saveByRename, taggedValue } from "../workspace.ts";

/** config.ini saved by rename → the one file that the change concerns is on disk, among `services` services. */
export function measureSave(figure: string, services: number, { quick }: Effort): Promise<Measurement[]> {
  const shape = { services, outputsEach: 1, changes: "one service" } as const;
  const rounds = quick ? { warmUp: 3, measured: 10, rest: 30 } : { warmUp: 20, measured: 100, rest: 40 };
  return withLeash(async (leash) => {
    const [daemon, floor] = [await daemonOn(leash, shape), await floorOn(leash, shape)];
    const [taken = [], least = []] = await alternate([saveAndSee(daemon), saveAndSee(floor)], rounds);
    const what = `saved by rename → written, 1 of ${services.toLocaleString("en")} outputs`;
    const row = (percent: number, bar: Measurement["bar"]): Measurement => ({
      figure,
      what: `${what}, p${percent}`,
      unit: "ms",
      value: percentile(taken, percent),
      beside: { name: "floor", value: percentile(least, percent) },
      bar,
    });
    return [row(50, { ratio: 2 }), row(99, { atMost: 20 })];
  });
}

function saveAndSee({ config, configWith, outputs }: Subject): Sample {
  const observer = observe(outputs[0]?.[0] ?? "");
  return async (change) => {
    const value = taggedValue(change);
    const saved = saveByRename(config, configWith(value));
    return (await observer.seen(value)) - saved;
  };
}
