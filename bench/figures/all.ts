import { type Effort, type Measurement, median } from "../measurement.ts";
import { allSeen } from "../observer.ts";
import { alternate, type Sample } from "../rounds.ts";
import { type Subject, subjectsOn, withFloor, withLeash } from "../subjects.ts";
import { type Shape, saveByRename, taggedValue } from "../workspace.ts";

/** One key that every output holds is saved → all of them are on disk. */
export function measureAll(
  figure: string,
  { services, outputsEach }: Pick<Shape, "services" | "outputsEach">,
  bar: Measurement["bar"],
  effort: Effort,
): Promise<Measurement[]> {
  const shape = { services, outputsEach, changes: "every output" } as const;
  const rounds = effort.quick ? { warmUp: 1, measured: 2, rest: 500 } : { warmUp: 2, measured: 5, rest: 800 };
  return withLeash(async (leash) => {
    const subjects = await subjectsOn(leash, shape, withFloor(effort));
    const [ours = [], floors = [], peers] = await alternate(subjects.map(saveAndSeeAll), rounds);
    const count = (services * outputsEach).toLocaleString("en");
    const whose = services === 1 ? "1 service" : `${services.toLocaleString("en")} services`;
    const what = `one key → all ${count} outputs of ${whose}, median`;
    const beside = { name: "floor", value: median(floors) };
    return [{ figure, what, unit: "ms", value: median(ours), beside, peer: peers && median(peers), bar }];
  });
}

function saveAndSeeAll({ config, configWith, outputs }: Subject): Sample {
  const paths = outputs.flat();
  return async (change) => {
    const value = taggedValue(change);
    const saved = saveByRename(config, configWith(value));
    return (await allSeen(paths, value)) - saved;
  };
}
