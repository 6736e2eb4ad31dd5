/**
 * Whoever writes the history is killed with -9, at random, sometimes with its git and sometimes without: no answered revision is lost, none is
 * there twice, the repository is sound. `HISTORY_KILLS=500` is the long run (default 12), `HISTORY_SEED` another course of it.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gitHistory } from "../../src/history/git.ts";
import { seeded } from "./random.ts";
import { draftOf } from "./support/history-draft.ts";

const kills = Number(process.env.HISTORY_KILLS ?? 12);
const seed = Number(process.env.HISTORY_SEED ?? 1);
const random = seeded(seed);
const run = promisify(execFile);
const writer = join(import.meta.dirname, "support/history-writer.ts");

describe(`a history whose writer is killed (seed ${seed})`, () => {
  let parent: string;
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "config-sync-history-"));
    folder = join(parent, "history");
  });
  afterEach(() => {
    child?.kill("SIGKILL");
    for (const pid of gitsOf(folder)) kill(pid);
    rmSync(parent, { recursive: true, force: true });
  });

  test("keeps every answered revision, byte for byte, each number once", {
    timeout: 60_000 + kills * 5000,
  }, async () => {
    const answered = new Map([
      ["one", 0],
      ["two", 0],
    ]);
    for (let round = 0; round < kills; round++) {
      child = spawn(process.execPath, [writer, folder, `${seed * 1000 + round}`], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = once(child, "exit");
      const said: string[] = [];
      const complaints: string[] = [];
      child.stdout?.setEncoding("utf8").on("data", (text: string) => said.push(text));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
      await Promise.race([once(child.stdout ?? child, "data"), ended]);
      await sleep(random.below(1500));
      child.kill("SIGKILL");
      if (random.chance(0.5)) for (const pid of gitsOf(folder)) kill(pid);
      await ended;
      expect(complaints.join("")).toBe("");
      for (const line of said.join("").split("\n").slice(0, -1)) {
        const [app = "", number = ""] = line.split(" ");
        answered.set(app, Math.max(answered.get(app) ?? 0, Number(number)));
      }
      await checkHeads(folder, answered);
    }
    await checkAll(folder, answered);
  });
});

/** What was answered is there at once, whatever git has of it. */
async function checkHeads(folder: string, answered: ReadonlyMap<string, number>): Promise<void> {
  const history = await gitHistory({ folder });
  for (const [app, number] of answered) {
    expect((await history.head(app))?.number ?? 0).toBeGreaterThanOrEqual(number);
    await checkRevision(history, app, number);
    await checkRevision(history, app, Math.ceil(number / 2));
  }
  await history.close();
}

async function checkAll(folder: string, answered: ReadonlyMap<string, number>): Promise<void> {
  const history = await gitHistory({ folder });
  const heads = new Map<string, number>();
  for (const app of answered.keys()) {
    const head = (await history.head(app))?.number ?? 0;
    heads.set(app, head + 1);
    await history.append(app, draftOf(app, head + 1), head);
  }
  await history.close();
  const again = await gitHistory({ folder });
  for (const [app, head] of heads) {
    const list = await again.list(app, { limit: head + 10 });
    expect(list.map(({ number }) => number)).toEqual(Array.from({ length: head }, (_, index) => head - index));
    for (let number = 1; number <= head; number++) await checkRevision(again, app, number);
  }
  const git = (...args: string[]) => execFileSync("git", ["-C", folder, ...args], { encoding: "utf8" });
  const all = [...heads.values()].reduce((sum, head) => sum + head, 0);
  await untilThere(all, async () => Number((await run("git", ["-C", folder, "rev-list", "--count", "main"])).stdout));
  await again.close();
  expect(git("fsck", "--strict", "--full", "--no-dangling", "--no-progress")).toBe("");
  const inGit = git("log", "--format=%(trailers:key=Revision,valueonly)", "main").split("\n").filter(Boolean);
  expect(inGit.length).toBe(all);
  expect(new Set(inGit).size).toBe(all);
}

/** What was pending follows in the background, on a busy machine slowly: it is waited for as long as it goes on. */
async function untilThere(all: number, count: () => Promise<number>): Promise<void> {
  for (let [last, since] = [-1, Date.now()]; last !== all; await sleep(200)) {
    const now = await count();
    if (now !== last) [last, since] = [now, Date.now()];
    expect(Date.now() - since, `${now} of ${all} revisions are in git, and for 30 s no more`).toBeLessThan(30_000);
  }
}

async function checkRevision(
  history: Awaited<ReturnType<typeof gitHistory>>,
  app: string,
  number: number,
): Promise<void> {
  if (number === 0) return;
  const { documents, ...said } = draftOf(app, number);
  const revision = await history.get(app, number);
  expect(revision).toMatchObject({ ...said, number, parent: number === 1 ? null : number - 1 });
  const texts = (all: readonly { bytes: Uint8Array }[] = []) => all.map(({ bytes }) => Buffer.from(bytes).toString());
  expect(texts(revision?.documents)).toEqual(texts(documents));
}

/** The processes of git that work on the folder. */
function gitsOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && readIfThere(`/proc/${name}/environ`).includes(`GIT_DIR=${folder}\0`))
    .map(Number);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended in this moment.
  }
}
