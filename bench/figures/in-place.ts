import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { type Observer, observe } from "../observer.ts";
import { alternate, type Sample } from "../rounds.ts";
import { oursAndPeer, type Subject, subjectsOn, withLeash } from "../subjects.ts";
import { settle, taggedValue } from "../workspace.ts";

// The default of sync.quiet: so long a file that is written in place must rest before it is read.
const quiet = 20;
// Between the two halves: less than the quiet window, as when a writer is descheduled.
const pause = 8;

/** config.ini truncated and written where it stands, at once or in two halves → written; from the last write on. */
export function measureInPlace(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 2, measured: 10, rest: settle } : { warmUp: 10, measured: 100, rest: settle };
  const shape = { services: 1, outputsEach: 1, changes: "every output" } as const;
  return withLeash(async (leash) => {
    const subjects = await subjectsOn(leash, shape, oursAndPeer(effort));
    const observers = subjects.map(({ outputs }) => observe(outputs[0]?.[0] ?? ""));
    const samples = subjects.flatMap((subject, at) => {
      const observer = observers[at] as Observer;
      return [writeAndSee(subject, observer, 0, 0), writeAndSee(subject, observer, pause, 100_000)];
    });
    const [atOnce = [], inHalves = [], peersAtOnce, peersInHalves] = await alternate(samples, rounds);
    const row = (how: string, ours: readonly number[], peers: readonly number[] | undefined, percent: number) => ({
      figure,
      what: `written in place${how} → written, p${percent}`,
      unit: "ms" as const,
      value: percentile(ours, percent),
      beside: { name: "quiet window", value: quiet },
      peer: peers && percentile(peers, percent),
      bar: { atMost: quiet + (percent === 50 ? 10 : 30) },
    });
    const [halves = 0, peersHalves] = observers.map(halvesIn);
    return [
      row("", atOnce, peersAtOnce, 50),
      row("", atOnce, peersAtOnce, 99),
      row(" in two halves", inHalves, peersInHalves, 50),
      row(" in two halves", inHalves, peersInHalves, 99),
      {
        ...{ figure, what: "half a file reached an output", unit: "times", value: halves },
        ...{ peer: peersHalves, bar: { atMost: 0 } },
      },
    ];
  });
}

/** The cut goes through the value: what is there after the first write can be read, and is wrong. */
function writeAndSee({ config, configWith }: Subject, observer: Observer, pause: number, offset: number): Sample {
  return async (change) => {
    const value = taggedValue(change + offset);
    const text = configWith(value);
    const cut = text.indexOf("-whole");
    const file = openSync(config, "w");
    if (pause > 0) {
      writeSync(file, text.slice(0, cut));
      await wait(pause);
      writeSync(file, text.slice(cut));
    } else writeSync(file, text);
    const written = performance.now();
    closeSync(file);
    return (await observer.seen(value)) - written;
  };
}

function halvesIn({ contents }: Observer): number {
  return [...contents].filter((content) => !content.includes("-whole")).length;
}
