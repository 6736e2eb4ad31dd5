import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAccess } from "../../../src/access/open.ts";
import { withLockFile } from "../../../src/platform/lock-file.ts";

const address = "192.0.2.7";

let folder: string;
const children: ChildProcessWithoutNullStreams[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-sync-access-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

function start(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(import.meta.dirname, "process.ts"), ...args]);
  child.stderr.pipe(process.stderr);
  children.push(child);
  return child;
}

async function hold(lock: string): Promise<{ child: ChildProcessWithoutNullStreams; line: () => Promise<string> }> {
  const child = start("hold", lock);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => String((await lines.next()).value);
  expect(await line()).toBe("held");
  return { child, line };
}

describe("one file in several processes", () => {
  test("loses no key that any of them made, and is whole at every moment", async () => {
    const file = join(folder, "state", "access.json");
    const access = await openAccess({ file });
    await access.createKey("first", { role: "viewer" });
    const makers = ["a", "b", "c"].map((name) => start("make", file, name, "20"));
    let running = true;
    const done = Promise.all(makers.map((maker) => text(maker.stdout))).finally(() => {
      running = false;
    });
    let looks = 0;
    while (running) {
      looks++;
      // Throws where the file is not as it was written.
      await access.keys();
      await access.createKey(`own-${looks}`, { role: "viewer" });
    }
    const made = (await done).flatMap((lines) => lines.trim().split("\n"));
    expect(made).toHaveLength(60);
    for (const key of made) expect((await access.authenticate({ key, address })).name).toMatch(/^[abc]-\d+$/);
    expect(await (await openAccess({ file })).keys()).toHaveLength(1 + 60 + looks);
    expect(await readdir(join(folder, "state"))).toEqual(["access.json"]);
  });
});

describe("the lock", () => {
  test("is waited for as long as it is held, and then had", async () => {
    const lock = join(folder, "lock");
    const { child, line } = await hold(lock);
    let isOurs = false;
    const waiting = withLockFile(lock, async () => {
      isOurs = true;
    });
    await withLockFile(join(folder, "another"), async () => undefined);
    expect(isOurs).toBe(false);
    child.stdin.write("\n");
    expect(await line()).toBe("still ours");
    await waiting;
    expect(existsSync(lock)).toBe(false);
  });

  test("of a process that was killed is removed after a while", async () => {
    const lock = join(folder, "lock");
    const { child } = await hold(lock);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(lock)).toBe(true);
    const begin = performance.now();
    const others = Array.from({ length: 5 }, (_, index) =>
      withLockFile(lock, async (isHeld) => [index, isHeld()], { stale: 300, longest: 10_000 }),
    );
    expect(await Promise.all(others)).toEqual([0, 1, 2, 3, 4].map((index) => [index, true]));
    expect(performance.now() - begin).toBeGreaterThan(300);
    expect(await readdir(folder)).toEqual([]);
  });

  test("is known to be lost by a process that was stopped too long, which then leaves the new one alone", async () => {
    const lock = join(folder, "lock");
    const { child, line } = await hold(lock);
    child.kill("SIGSTOP");
    await withLockFile(
      lock,
      async (isHeld) => {
        child.kill("SIGCONT");
        child.stdin.write("\n");
        expect(await line()).toBe("lost");
        await once(child, "exit");
        expect(isHeld()).toBe(true);
      },
      { stale: 300, longest: 10_000 },
    );
    expect(existsSync(lock)).toBe(false);
  });

  test("that does not come free is given up, and named", async () => {
    const lock = join(folder, "lock");
    await hold(lock);
    const waiting = withLockFile(lock, async () => undefined, { stale: 60_000, longest: 200 });
    await expect(waiting).rejects.toMatchObject({ code: "STATE_UNUSABLE", message: expect.stringContaining(lock) });
  });

  test("that cannot be made is told at once", async () => {
    const waiting = withLockFile(join(folder, "nowhere", "lock"), async () => undefined);
    await expect(waiting).rejects.toMatchObject({ code: "STATE_UNUSABLE" });
  });
});

describe("a flood of logins", () => {
  test("at the real cost holds two hashes at a time in memory, and ends for all", async () => {
    const access = await openAccess({ file: join(folder, "access.json") });
    await access.createUser("ann", "four words of little sense", { role: "viewer" });
    const before = process.memoryUsage.rss();
    let most = before;
    const meter = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 5);
    const tries = Array.from({ length: 500 }, (_, index) =>
      access.login({ user: `user${index}`, password: "wrong", address: `198.51.100.${index % 250}` }).then(
        () => "in",
        (error: { code: string }) => error.code,
      ),
    );
    const codes = await Promise.all(tries);
    clearInterval(meter);
    expect(codes.filter((code) => code === "UNAUTHENTICATED")).toHaveLength(18);
    expect(codes.filter((code) => code === "TOO_MANY_REQUESTS")).toHaveLength(482);
    // Two hashes take 128 MiB; eighteen would take 1,152.
    expect(most - before).toBeLessThan(300 * 1024 * 1024);
  });
});
