import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { type Observer, observe } from "../observer.ts";
import { alternate, type Sample } from "../rounds.ts";
import { daemonOn, type Subject, withLeash } from "../subjects.ts";
import { taggedValue } from "../workspace.ts";

// The default of sync.quiet: so long a file that is written in place must rest before it is read.
const quiet = 20;
// Between the two halves: less than the quiet window, as when a writer is descheduled.
const pause = 8;

/** config.ini truncated and written where it stands, at once or in two halves → written; from the last write on. */
export function measureInPlace(figure: string, { quick }: Effort): Promise<Measurement[]> {
  const rounds = quick ? { warmUp: 2, measured: 10, rest: 30 } : { warmUp: 10, measured: 100, rest: 40 };
  return withLeash(async (leash) => {
    const daemon = await daemonOn(leash, { services: 1, outputsEach: 1, changes: "every output" });
    const observer = observe(daemon.outputs[0]?.[0] ?? "");
    const samples = [writeAndSee(daemon, observer, 0, 0), writeAndSee(daemon, observer, pause, 100_000)];
    const [atOnce = [], inHalves = []] = await alternate(samples, rounds);
    const row = (how: string, taken: readonly number[], percent: number, slack: number): Measurement => ({
      figure,
      what: `written in place${how} → written, p${percent}`,
      unit: "ms",
      value: percentile(taken, percent),
      beside: { name: "quiet window", value: quiet },
      bar: { atMost: quiet + slack },
    });
    return [
      row("", atOnce, 50, 10),
      row("", atOnce, 99, 30),
      row(" in two halves", inHalves, 50, 10),
      row(" in two halves", inHalves, 99, 30),
      { figure, what: "half a file reached an output", unit: "times", value: halvesIn(observer), bar: { atMost: 0 } },
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
