/**
 * The crash matrix: a daemon that is ended with SIGKILL at every step of a change, and started again.
 *
 * `CRASH_CHANGES=20` is the long run: every step with every way in which files can lie, that many random changes of each, and from
 * the second on the daemon dies once more on the way out of the first crash (an hour and more). Without it each step has one
 * change, and the ways take turns. `CRASH_SEED` makes other changes.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Step as AnyStep } from "../../src/platform/reached.ts";
import { type Random, seeded } from "./random.ts";
import { type Bed, first, type Kind, makeBed } from "./support/bed.ts";
import type { Document } from "./support/document.ts";
import type { Seen } from "./support/reader.ts";

/** The door has its own: door-crash.test.ts. */
type Step = Exclude<AnyStep, "recorded">;

const { CRASH_CHANGES: asked } = process.env;
const changes = Number(asked ?? 1);
const seed = Number(process.env.CRASH_SEED ?? 1);
const random = seeded(seed);

/** How often a step comes by while two files are written; with the way back after it as often again. */
const passes: Readonly<Record<Step, number>> = {
  "staging-begun": 2,
  staged: 2,
  renamed: 2,
  removed: 1,
  "folders-synced": 1,
  journalled: 2,
  "room-made": 2,
  overwritten: 2,
  "cut-to-length": 2,
  "way-back-kept": 1,
  checked: 1,
  committed: 1,
  "reload-due": 1,
  reloaded: 1,
  probed: 1,
  healthy: 1,
  quarantined: 1,
  restored: 1,
  "reloaded-as-before": 1,
  "rolled-back": 1,
  "ledger-appended": 1,
  "ledger-synced": 1,
  "ledger-replaced": 1,
};

const inPlace: readonly Step[] = ["journalled", "room-made", "overwritten", "cut-to-length"];
const backward: readonly Step[] = ["quarantined", "restored", "reloaded-as-before", "rolled-back"];
const beforeHealth: readonly Step[] = ["way-back-kept", "checked", "committed", "reload-due", "reloaded"];
const atStart: readonly Step[] = ["staging-begun", "staged", "ledger-replaced"];
const everywhere = Object.keys(passes) as [Step, ...Step[]];
const forward = everywhere.filter(
  (step) => ![...inPlace, ...backward, "renamed", "removed", "ledger-replaced"].includes(step),
);

const kinds = ["plain", "mounted", "linked"] as const;
const making = { plain: ["renamed"], linked: ["renamed"], mounted: inPlace } as const;

describe(`killed (seed ${seed})`, () => {
  let bed: Bed;
  let stopReading: () => Promise<Seen>;
  let number = 1;
  const good = new Map<Kind, Document>(kinds.map((kind) => [kind, first]));

  beforeAll(async () => {
    bed = await makeBed(kinds);
    stopReading = await bed.readFilesOf(kinds);
    await bed.start();
    for (const kind of kinds) await bed.settles(kind, first);
  });
  afterEach(() => bed.isClean());
  afterAll(async () => {
    const seen = await stopReading?.();
    await bed?.stop();
    expect(seen.faults).toEqual([]);
    expect(seen.reads).toBeGreaterThan(10_000);
  });

  const cases = (steps: (kind: (typeof kinds)[number]) => readonly Step[]) =>
    kinds.flatMap((kind, turn) =>
      steps(kind)
        .filter((step, index) => asked !== undefined || takesTurns(step, index, turn))
        .map((step) => [step, kind] as const),
    );

  /** Dies at the step, and from the second round on once more on the way out of that; then goes on. */
  const crash = async (step: Step, kind: Kind, next: Document, round: number, skip = 0) => {
    bed.reloads(kind);
    bed.dieAt(step, 1 + skip + random.below(passes[step]));
    await bed.change(kind, next);
    await bed.died();
    if (round > 0) {
      bed.dieAt(random.pick(everywhere));
      await bed.start();
      await Promise.race([bed.died(), bed.rests(kind)]);
      await bed.kill();
    }
    bed.live();
    await bed.start();
  };

  test.each(cases((kind) => [...forward, ...making[kind]]))(
    "at %s (%s): the change is live after the next start",
    async (step, kind) => {
      for (let round = 0; round < changes; round++) {
        const next = draw(random, kind, ++number);
        await crash(step, kind, next, round);
        await bed.settles(kind, next);
        // Once when it was written, and once more where nobody can know that the service had heard of it.
        expect(bed.reloads(kind)).toBeLessThanOrEqual(round === 0 ? 2 : 3);
        good.set(kind, next);
      }
    },
  );

  test.each(cases((kind) => [...beforeHealth, ...making[kind]]))(
    "at %s (%s) on the way to what makes it ill: the last good state is live after the next start",
    async (step, kind) => {
      for (let round = 0; round < changes; round++) {
        const next = draw(random, kind, ++number);
        await crash(step, kind, { ...next, filler: next.filler.toUpperCase() }, round);
        await bed.goesBack(kind, good.get(kind) ?? first);
      }
    },
  );

  test.each(cases((kind) => [...backward, ...making[kind]]))(
    "at %s (%s) of a way back: the last good state is live after the next start",
    async (step, kind) => {
      for (let round = 0; round < changes; round++) {
        const next = draw(random, kind, ++number);
        await crash(step, kind, { ...next, filler: next.filler.toUpperCase() }, round, wayBackOnly(step));
        await bed.goesBack(kind, good.get(kind) ?? first);
      }
    },
  );

  test.each(atStart)("at %s of a start: the next one is as any other", async (step) => {
    await bed.kill();
    bed.dieAt(step);
    await bed.start();
    await bed.died();
    bed.live();
    await bed.start();
    const next = draw(random, "plain", ++number);
    await bed.change("plain", next);
    await bed.settles("plain", next);
  });
});

test("killed while the first files of a service are taken away again: nothing of them is left", async () => {
  const ill: Document = { number: 1, filler: "A" };
  const bed = await makeBed(["plain"]);
  try {
    await Promise.all(bed.files("plain").map((path) => rm(path)));
    await bed.change("plain", ill);
    bed.dieAt("removed");
    await bed.start();
    await bed.died();
    bed.live();
    await bed.start();
    await bed.rests("plain");
    expect(bed.files("plain").filter((path) => existsSync(path))).toEqual([]);
    await bed.change("plain", first);
    await bed.settles("plain", first);
    await bed.isClean();
  } finally {
    await bed.stop();
  }
});

test("killed when half of a large file was written in place: the next start finishes it, and no read is empty", async () => {
  const bed = await makeBed(["large"]);
  try {
    const stopReading = await bed.readFilesOf(["large"]);
    await bed.start();
    await bed.settles("large", first);
    const sizes = [9000, 60_000, 20_000, 12_000];
    for (const [index, size] of sizes.entries()) {
      const next = { number: 2 + index, filler: String.fromCharCode(97 + index).repeat(size) };
      bed.dieAt("half-written");
      await bed.change("large", next);
      await bed.died();
      bed.live();
      await bed.start();
      await bed.settles("large", next);
      await bed.isClean();
    }
    expect((await stopReading()).faults).toEqual([]);
  } finally {
    await bed.stop();
  }
});

/** In the short run: what only one kind has is its own, the rest goes round. */
function takesTurns(step: Step, index: number, turn: number): boolean {
  return inPlace.includes(step) || index % kinds.length === turn;
}

/** Steps that come by on the way forward too: only the later ones are meant. */
function wayBackOnly(step: Step): number {
  return backward.includes(step) ? 0 : passes[step];
}

/** What fits into a write in place that is visible at once is at most 4 KiB. */
function draw({ below, chance }: Random, kind: Kind, number: number): Document {
  const length = chance(0.3) ? 1 + below(10) : 1 + below(kind === "mounted" ? 4000 : 20_000);
  return { number, filler: String.fromCharCode(97 + below(26)).repeat(length) };
}
