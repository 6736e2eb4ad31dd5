/**
 * A file is edited in every way that we know of, at random gaps, and what the source settles on is what the file holds.
 *
 * `npm test` takes a small share. The long run takes a quarter of an hour; a failure names its seed, to run it again:
 *
 *     WATCH_EDITS=10000 WATCH_EVENTS=100000 npx vitest run --project fault test/fault/watch.test.ts
 *     WATCH_SEED=7 npx vitest run --project fault test/fault/watch.test.ts
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { reveal } from "../../src/config/secret.ts";
import { watchFolder } from "../../src/platform/folder-watch.ts";
import { type Outcome, openSource, readK, useFollow } from "../integration/sources/follow.ts";
import { type Leash, leash } from "../support/leash.ts";
import { type Random, seeded } from "./random.ts";
import { type Edit, openScene, pause, type Scene, wholeFile } from "./watch-edits.ts";

const editCount = Number(process.env.WATCH_EDITS ?? 200);
const eventCount = Number(process.env.WATCH_EVENTS ?? 2000);
const seed = Number(process.env.WATCH_SEED ?? 1);

// The default of sync.quiet.
const quiet = 20;
const hour = 3_600_000;
// Ten times what it takes.
const timeout = 60_000 + 300 * editCount + 20 * eventCount;
// Far more than the slowest way to a change: a folder that vanished is looked for again after two seconds at most.
const patience = 10_000;

const follow = useFollow();
const leashes: Leash[] = [];
afterEach(async () => {
  for (const held of leashes.splice(0)) await held.release();
});

async function newScene(random: Random): Promise<Scene> {
  const held = await leash("watch");
  leashes.push(held);
  return openScene(held.folder, random, quiet);
}

describe("after every burst of edits the source settles on what the file holds, and never saw a part of it", {
  timeout,
}, () => {
  it("by events alone, where there are events", async () => {
    const random = seeded(seed);
    const scene = await newScene(random);
    await editInBursts(scene, scene.told, random, hour, {
      enough: (edits) => edits >= editCount,
      longest: 10,
      gap: 50,
    });
  });

  it("with mounts and replaced folders above, by the periodic look", async () => {
    const random = seeded(seed);
    const scene = await newScene(random);
    const ways = { ...scene.told, ...scene.untold };
    await editInBursts(scene, ways, random, 50, { enough: (edits) => edits >= editCount, longest: 10, gap: 50 });
  });
});

it("a folder that goes and comes back while its watch begins is watched", { timeout }, async () => {
  const held = await leash("watch");
  leashes.push(held);
  for (let attempt = 0; attempt < 40; attempt++) {
    const folder = join(held.folder, `deep-${attempt}`, "conf");
    mkdirSync(folder, { recursive: true });
    let told = false;
    const onEvent = (_: unknown, name: string): void => {
      told ||= name === "sign";
    };
    const beginning = watchFolder(folder, { onEvent, onRenewed: () => {}, onTrouble: () => {} });
    // Somewhere between its first look at the folder and the time when the kernel knows of it.
    await pause(attempt / 20);
    rmSync(folder, { recursive: true });
    if (attempt % 2 === 0) await beginning;
    mkdirSync(folder);
    await vi.waitFor(
      () => {
        writeFileSync(join(folder, "sign"), "");
        expect(told, `attempt ${attempt}`).toBe(true);
      },
      { timeout: patience, interval: 10 },
    );
    await (await beginning).stop();
  }
});

it("links that came with another folder are followed", { timeout }, async () => {
  const { path, told, holds } = await newScene(seeded(seed));
  const { settles, saw } = await followFile({ path, holds }, hour);
  expect(await settles()).toBe(true);
  // The folder is put in place with the links in it, so that nobody tells of them.
  const folder = dirname(path);
  const next = `${folder}-next`;
  mkdirSync(join(next, "..data-1"), { recursive: true });
  writeFileSync(join(next, "..data-1/config.ini"), wholeFile("linked", 1));
  symlinkSync("..data-1", join(next, "..data"));
  symlinkSync("..data/config.ini", join(next, "config.ini"));
  renameSync(folder, `${folder}-old`);
  renameSync(next, folder);
  expect(await settles(), saw()).toBe(true);
  for (const edit of ["in place", "..data swapped", "in place"]) {
    await told[edit]?.(`after ${edit}`);
    expect(await settles(), `${edit}: saw ${saw()}, the file holds ${holds()}`).toBe(true);
  }
});

describe("however many events there were", { timeout }, () => {
  it("the process holds no more than after the first tenth of them", async () => {
    const random = seeded(seed);
    const scene = await newScene(random);
    const tenths: Holdings[] = [];
    const { told } = scene;
    const quick = pick(
      told,
      "rename",
      "in place",
      "..data swapped",
      "deleted, created",
      "set aside, created",
      "folder replaced",
    );
    await editInBursts(scene, quick, random, 50, {
      enough: (_, hints) => {
        if (hints >= (eventCount / 10) * (tenths.length + 1)) tenths.push(holdings());
        return tenths.length === 10;
      },
      longest: 60,
      gap: 0,
    });
    const [first, ...later] = tenths.slice(1);
    const most = (of: keyof Holdings): number => Math.max(...later.map((tenth) => tenth[of]));
    const story = `seed ${seed}: ${JSON.stringify(tenths)}`;
    for (const counted of ["watches", "descriptors", "resources"] as const)
      expect(most(counted), `${counted}, ${story}`).toBeLessThanOrEqual((first?.[counted] ?? 0) + 2);
    expect(Math.min(...later.slice(-3).map(({ heap }) => heap)), `heap, ${story}`).toBeLessThan(
      (first?.heap ?? 0) * 1.1,
    );
  });
});

function pick(ways: Readonly<Record<string, Edit>>, ...names: readonly string[]): Record<string, Edit> {
  return Object.fromEntries(Object.entries(ways).filter(([name]) => names.includes(name)));
}

interface Bursts {
  readonly enough: (edits: number, hints: number) => boolean;
  /** Edits in a burst, at most. */
  readonly longest: number;
  /** Milliseconds between edits, at most. */
  readonly gap: number;
}

async function editInBursts(
  scene: Scene,
  ways: Readonly<Record<string, Edit>>,
  random: Random,
  lookEvery: number,
  { enough, longest, gap }: Bursts,
): Promise<void> {
  const followed = await followFile(scene, lookEvery);
  const all = Object.entries(ways);
  for (let edits = 0; !enough(edits, followed.hints()); ) {
    const burst: string[] = [];
    const heldUp = scene.heldUp();
    for (const size = 1 + random.below(longest); burst.length < size; edits++) {
      const [name, edit] = all[random.below(all.length)] ?? ["nothing", () => {}];
      burst.push(name);
      await edit(String(edits));
      if (random.chance(0.5)) await pause(random.below(gap));
    }
    const settled = await followed.settles();
    const story = `seed ${seed}, after ${edits} edits, the last ones: ${burst.join("; ")}`;
    expect(settled, `${story}: saw ${followed.saw()}, the file holds ${scene.holds()}`).toBe(true);
    const parts = followed.takeParts();
    if (scene.heldUp() === heldUp) expect(parts, story).toEqual([]);
  }
}

/** Looks as the daemon does. */
async function followFile({ path, holds }: Pick<Scene, "path" | "holds">, lookEvery: number) {
  const parts: string[] = [];
  let hints = 0;
  let last = "nothing";
  const source = openSource(path, { quiet, lookEvery });
  const watch = (look: () => void) => {
    const hint = (): void => {
      hints++;
      look();
    };
    return source.watch?.(hint) ?? Promise.reject(new Error("there is no watch"));
  };
  const { idle } = await follow({ ...source, watch }, (outcome) => {
    last = readK(outcome);
    if (!isWhole(outcome)) parts.push("code" in outcome ? outcome.toText() : `${last} … ${readLast(outcome)}`);
  });
  return {
    hints: () => hints,
    saw: () => last,
    /** What was taken for the whole since the last call, and was none. */
    takeParts: () => parts.splice(0),
    /** True once the last look saw what the file holds and no other look is due; false when it does not come to that. */
    settles: async (): Promise<boolean> => {
      for (const end = performance.now() + patience; performance.now() < end; await wait(2))
        if (idle() && last === holds()) return true;
      return false;
    },
  };
}

function isWhole(outcome: Outcome): boolean {
  if ("code" in outcome) return outcome.code === "SOURCE_MISSING" || outcome.code === "SOURCE_UNSTABLE";
  return readK(outcome) === readLast(outcome);
}

/** The value at the other end of the file. */
function readLast(outcome: Exclude<Outcome, Error>): string {
  const entry = outcome.entries.find(({ path }) => path[0] === "end");
  return entry === undefined ? "no value" : reveal(entry.value);
}

interface Holdings {
  readonly watches: number;
  readonly descriptors: number;
  readonly resources: number;
  /** Bytes that are still reachable. */
  readonly heap: number;
}

function holdings(): Holdings {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const links = readdirSync("/proc/self/fd").map((fd) => [fd, linkAt(`/proc/self/fd/${fd}`)] as const);
  const inotify = links.filter(([, link]) => link === "anon_inode:inotify");
  const lines = inotify.flatMap(([fd]) => readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").split("\n"));
  return {
    watches: lines.filter((line) => line.startsWith("inotify wd:")).length,
    descriptors: links.length,
    resources: process.getActiveResourcesInfo().length,
    heap: process.memoryUsage().heapUsed,
  };
}

/** Empty for what was closed meanwhile. */
function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
