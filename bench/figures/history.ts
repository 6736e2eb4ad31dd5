import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { gitHistory } from "../../src/history/git.ts";
import type { Draft, History } from "../../src/history/history.ts";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { alternate, type Sample } from "../rounds.ts";
import { withLeash } from "../subjects.ts";
import { text, writeAndSync } from "../write-and-sync.ts";

const few = 10;
const many = 10_000;

/**
 * The history alone, in this process: a durable append of two documents of 2 kB beside one fsynced write of 2 kB, and what append and list
 * cost on top of 10,000 revisions beside what they cost on top of 10.
 */
export function measureHistory(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 10, measured: 50, rest: 2 } : { warmUp: 30, measured: 300, rest: 5 };
  return withLeash(async ({ folder }) => {
    const [small, large] = [
      await gitHistory({ folder: join(folder, "small") }),
      await gitHistory({ folder: join(folder, "large") }),
    ];
    await grow(small, few);
    await grow(large, many);
    const file = openSync(join(folder, "floor"), "a");
    const samples = [writeAndSync(file), ...[small, large].flatMap((history) => [appendTo(history), listOf(history)])];
    const [floors = [], atFew = [], listsAtFew = [], atMany = [], listsAtMany = []] = await alternate(samples, rounds);
    closeSync(file);
    await Promise.all([small.close(), large.close()]);
    const count = many.toLocaleString("en");
    const row = (what: string, ours: readonly number[], name: string, theirs: readonly number[], percent: number) => ({
      figure,
      what: `${what}, p${percent}`,
      unit: "ms" as const,
      value: percentile(ours, percent),
      beside: { name, value: percentile(theirs, percent) },
    });
    return [
      { ...row("history: durable append", atFew, "write and fsync", floors, 50), bar: { ratio: 6 } },
      { ...row("history: durable append", atFew, "write and fsync", floors, 99), bar: {} },
      { ...row(`history: append on ${count} revisions`, atMany, `on ${few}`, atFew, 50), bar: { ratio: 1.2 } },
      { ...row(`history: list of ${count} revisions`, listsAtMany, `of ${few}`, listsAtFew, 50), bar: { ratio: 1.2 } },
    ];
  });
}

async function grow(history: History, count: number): Promise<void> {
  for (let number = 0; number < count; number++) await history.append("default", draftOf(number), number);
}

function appendTo(history: History): Sample {
  return async (change) => {
    const expected = (await history.head("default"))?.number ?? 0;
    const draft = draftOf(change);
    const from = performance.now();
    await history.append("default", draft, expected);
    return performance.now() - from;
  };
}

function listOf(history: History): Sample {
  return async () => {
    const from = performance.now();
    await history.list("default", { limit: few });
    return performance.now() - from;
  };
}

function draftOf(change: number): Draft {
  const config = Buffer.concat([Buffer.from(`changed = ${change}\n`), text]);
  const documents = [
    { name: "config.ini", bytes: config },
    { name: "system.ini", bytes: text },
  ];
  return { author: "bench", at: Date.now(), message: `change ${change}`, hash: `${change}`, documents };
}
