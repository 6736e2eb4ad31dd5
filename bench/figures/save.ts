import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { observe } from "../observer.ts";
import { alternate, type Sample } from "../rounds.ts";
import { type Subject, subjectsOn, withFloor, withLeash } from "../subjects.ts";
import { saveByRename, settle, taggedValue } from "../workspace.ts";

/** config.ini saved by rename → the one file that the change concerns is on disk, among `services` services. */
export function measureSave(
  figure: string,
  services: number,
  bars: { readonly p50: Measurement["bar"]; readonly p99: Measurement["bar"] },
  effort: Effort,
): Promise<Measurement[]> {
  const shape = { services, outputsEach: 1, changes: "one service" } as const;
  const rounds = effort.quick ? { warmUp: 3, measured: 10, rest: settle } : { warmUp: 20, measured: 100, rest: settle };
  return withLeash(async (leash) => {
    const subjects = await subjectsOn(leash, shape, withFloor(effort));
    const [ours = [], floors = [], peers] = await alternate(subjects.map(saveAndSee), rounds);
    const row = (percent: number, bar: Measurement["bar"]): Measurement => ({
      figure,
      what: `saved by rename → written, 1 of ${services.toLocaleString("en")} outputs, p${percent}`,
      unit: "ms",
      value: percentile(ours, percent),
      beside: { name: "floor", value: percentile(floors, percent) },
      peer: peers && percentile(peers, percent),
      bar,
    });
    return [row(50, bars.p50), row(99, bars.p99)];
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
