/**
 * A long life in a short time: change after change, as fast as each is live, one in ten of them bad, and now and then a SIGHUP.
 * What the daemon holds, in memory, open files, watches, timers and on disk, is at the end what it was in the middle. Then it ends
 * at SIGTERM.
 *
 * `npm test` takes some hundred changes. The long run tells its figures; it ends after so many changes (200,000 take some
 * hours) or so many minutes:
 *
 *     SOAK_CHANGES=200000 npx vitest run --project fault test/fault/soak.test.ts
 *     SOAK_MINUTES=15 npx vitest run --project fault test/fault/soak.test.ts
 *
 * SOAK_SEED makes other changes.
 */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Step, SyncEvent } from "../../src/sync/events.ts";
import { type Random, seeded } from "./random.ts";
import { type Sample, type SoakDaemon, startSoakDaemon } from "./support/soak-daemon.ts";
import { formatFigures, middleAndEnd } from "./support/soak-figures.ts";
import { makeSoakStack, manners, type Name, names, type SoakStack } from "./support/soak-stack.ts";

const { SOAK_CHANGES: askedChanges, SOAK_MINUTES: askedMinutes, SOAK_SEED: askedSeed } = process.env;
const isLong = askedChanges !== undefined || askedMinutes !== undefined;
const changes = Number(askedChanges ?? (isLong ? Number.POSITIVE_INFINITY : 300));
const minutes = Number(askedMinutes ?? 24 * 60);
const seed = Number(askedSeed ?? 1);
const sampleEvery = isLong ? 250 : 15;

const mebibyte = 1024 * 1024;
/** What the ledger may grow to before it is written anew, and a change on top of that. */
const largestState = 4.5 * mebibyte;
/** What a child has open while it works, for the history or a reload. */
const underWay = 10;
/** Bytes. In the long run the deadlines of calls that are over are half of it. */
const noise = (isLong ? 2 : 1) * mebibyte;
/** What a git command has. */
const longestDeadline = 600_000;
const second = 1000;

describe(`a long life (seed ${seed})`, () => {
  let stack: SoakStack;
  let daemon: SoakDaemon;
  let number = 0;
  // What each service stands on, and the services whose last change was a bad one.
  const good = new Map<Name, string>(names.map((name) => [name, nextValue()]));
  const bad = new Set<Name>();

  beforeAll(async () => {
    stack = await makeSoakStack(good);
    daemon = await startSoakDaemon(stack.workspace, names);
  });
  afterAll(() => stack?.stop());

  test("leaves nothing behind that grows", { timeout: 60_000 * (minutes + 1) }, async () => {
    const began = performance.now();
    const figures = middleAndEnd(await live(seeded(seed)));
    const lasted = performance.now() - began;
    if (isLong) console.log(`${number.toLocaleString("en")} changes\n${formatFigures(figures)}`);
    const grows = (quantity: keyof Sample): number => figures[quantity].end - figures[quantity].middle;
    for (const quantity of ["handles", "files", "watches", "stateFiles"] as const) {
      expect.soft(grows(quantity), quantity).toBeLessThan(underWay);
    }
    for (const quantity of ["heap", "buffers"] as const) expect.soft(grows(quantity), quantity).toBeLessThan(noise);
    expect.soft(grows("rss"), "rss").toBeLessThan(0.1 * figures.rss.middle);
    expect.soft(figures.stateBytes.most).toBeLessThan(largestState);
    // The deadline of a call stays until its time: only then do as many go as come.
    const isSteady = 0.4 * lasted > longestDeadline;
    if (isSteady) expect.soft(grows("timers"), "timers").toBeLessThan(0.2 * figures.timers.middle);
  });

  test.each([
    ["at rest", undefined, "v-last"],
    ["in a probe that does not get well", "probing", "never-well"],
    ["in a reload that hangs", "reloading", "hangs"],
  ] as const)("ends within a second of SIGTERM %s, and goes on at the next start", async (_, step, value) => {
    const comes = daemon.tells((event) => isEnd(event, "merged", step ?? "healthy"));
    await stack.save("merged", value);
    await comes;
    const told = performance.now();
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
    expect(performance.now() - told).toBeLessThan(second);
    expect(readdirSync(stack.workspace.at("state"))).not.toContain("daemon.sock");
    expect(leftovers(stack.workspace.folder)).toEqual([]);
    // It is ended by then; who has to take note of that may take a second.
    await expect.poll(() => stack.hangs()).toBe(false);

    const next = nextValue();
    await stack.save("merged", next);
    daemon = await startSoakDaemon(stack.workspace, ["merged"]);
    stack.isOn("merged", next);
  });

  /** Changes, one after the other, for as long as was asked for. */
  async function live(random: Random): Promise<Sample[]> {
    const until = performance.now() + 60_000 * minutes;
    const samples: Sample[] = [];
    while (number < changes && performance.now() < until) {
      await change(random.pick(names), random.chance(0.1));
      if (random.chance(0.02)) await daemon.reread();
      if (number % sampleEvery === 0) samples.push(await daemon.measure());
    }
    for (const [name, value] of good) stack.isOn(name, value);
    return samples;
  }

  async function change(name: Name, wantsBad: boolean): Promise<void> {
    const value = nextValue();
    // Never two in a row: what is refused for the same reason again is not told again.
    const isBad = wantsBad && !bad.has(name);
    const { badEnds, makeBad } = manners[name];
    const ended = daemon.tells((event) => isEnd(event, name, isBad ? badEnds : "healthy"));
    await stack.save(name, isBad ? makeBad(value) : value);
    await ended;
    if (isBad) bad.add(name);
    else bad.delete(name);
    if (!isBad) good.set(name, value);
    stack.isOn(name, good.get(name) ?? "");
  }

  function nextValue(): string {
    return `v${++number}`;
  }
});

function isEnd(event: SyncEvent, name: Name, step: Step): boolean {
  return event.type === "service" && event.service === name && event.step === step;
}

/** Everything of ours that only a turn needs. */
function leftovers(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.filter((name) => name.includes(".config-sync-") || name.startsWith("state/journal/"));
}
