import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  fileState,
  type Hint,
  type StopWatching,
  type WatchOptions,
  watchFile,
} from "../../../src/platform/file-watch.ts";
import { useSandbox } from "./sandbox.ts";

const box = useSandbox();
const stops: StopWatching[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Watches, and gives the hints as they come. With an hour between the looks, only events tell. */
async function listen(path: string, options: Partial<WatchOptions> = {}) {
  const hints: Hint[] = [];
  let wake = (): void => {};
  let seen = stateOf(path);
  const stop = await watchFile(
    path,
    (hint) => {
      seen = stateOf(path);
      hints.push(hint);
      wake();
    },
    { lookEvery: 3_600_000, seen: () => seen, ...options },
  );
  stops.push(stop);
  return {
    hints,
    stop,
    /** Resolves once `enough` holds for the hints since the last call, and takes them. */
    async until(enough: (hints: readonly Hint[]) => boolean): Promise<Hint[]> {
      while (!enough(hints))
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return hints.splice(0);
    },
  };
}

function stateOf(path: string): string {
  try {
    return fileState(statSync(path, { bigint: true }));
  } catch {
    return "missing";
  }
}

const any = (hints: readonly Hint[]): boolean => hints.length > 0;
const has = (hint: Hint) => (hints: readonly Hint[]) => hints.includes(hint);

/** After this, everything that inotify told before has been handed on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

describe("watching a file", () => {
  it("tells a write in place from a replacement, and hears nothing of its neighbours", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, "a");
    const watch = await listen(path);
    writeFileSync(`${path}.other`, "x");
    await settle();
    expect(watch.hints).toEqual([]);
    writeFileSync(path, "b");
    expect(new Set(await watch.until(any))).toEqual(new Set(["touched"]));
    await settle();
    watch.hints.splice(0);
    replace(path, "c");
    await watch.until(any).then((hints) => expect(hints).toEqual(["replaced"]));
    await settle();
    expect(watch.hints).toEqual([]);
    unlinkSync(path);
    writeFileSync(path, "d");
    const hints = await watch.until(has("touched"));
    expect(hints.slice(0, 3)).toEqual(["replaced", "replaced", "touched"]);
  });

  it("goes on after a hundred replacements", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, "0");
    const watch = await listen(path);
    for (let index = 1; index <= 100; index++) {
      replace(path, String(index));
      await watch.until(has("replaced"));
    }
  });

  it("sees a file that gives way to a link, and afterwards what the link leads to", async () => {
    const conf = box.folder("conf");
    writeFileSync(`${conf}/config.ini`, "1");
    writeFileSync(`${box.folder("one")}/real.ini`, "2");
    const watch = await listen(`${conf}/config.ini`);
    symlinkSync("../one/real.ini", `${conf}/next`);
    renameSync(`${conf}/next`, `${conf}/config.ini`);
    // The second says that the folder behind the link is watched.
    await watch.until((hints) => hints.length >= 2);
    writeFileSync(box.path("one", "real.ini"), "3");
    await watch.until(any);
  });

  it("sees a link that is put on another file, and afterwards the new file", async () => {
    const conf = box.folder("conf");
    writeFileSync(`${box.folder("one")}/real.ini`, "1");
    writeFileSync(`${box.folder("two")}/real.ini`, "2");
    symlinkSync("../one/real.ini", `${conf}/config.ini`);
    const watch = await listen(`${conf}/config.ini`);
    symlinkSync("../two/real.ini", `${conf}/next`);
    renameSync(`${conf}/next`, `${conf}/config.ini`);
    // The first is the link's, the second says that the new file's folder is watched.
    await watch.until((hints) => hints.length >= 2);
    writeFileSync(box.path("two", "real.ini"), "3");
    await watch.until(any);
    await settle();
    watch.hints.splice(0);
    writeFileSync(box.path("one", "real.ini"), "not ours any more");
    await settle();
    expect(watch.hints).toEqual([]);
  });

  it("sees the swap of a Kubernetes volume, again and again", async () => {
    const conf = box.folder("conf");
    const publish = (version: string): void => {
      mkdirSync(`${conf}/..${version}`);
      writeFileSync(`${conf}/..${version}/config.ini`, version);
      symlinkSync(`..${version}`, `${conf}/..data_tmp`);
      renameSync(`${conf}/..data_tmp`, `${conf}/..data`);
    };
    publish("1");
    symlinkSync("..data/config.ini", `${conf}/config.ini`);
    const watch = await listen(`${conf}/config.ini`);
    for (const version of ["2", "3", "4"]) {
      publish(version);
      await watch.until(any);
      rmSync(`${conf}/..${Number(version) - 1}`, { recursive: true });
    }
  });

  it("finds the folder again when it is moved away and another takes its name", async () => {
    const conf = box.folder("conf");
    writeFileSync(`${conf}/config.ini`, "1");
    const watch = await listen(`${conf}/config.ini`);
    for (const round of ["a", "b", "c"]) {
      writeFileSync(`${box.folder("next")}/config.ini`, round);
      renameSync(conf, `${conf}.${round}`);
      renameSync(box.path("next"), conf);
      await watch.until(any);
      await expectWatched(watch, `${conf}/config.ini`);
    }
  });

  it("finds the folder again when it is removed and made anew, at once or later", async () => {
    const conf = box.folder("conf");
    writeFileSync(`${conf}/config.ini`, "1");
    const watch = await listen(`${conf}/config.ini`, { lookEvery: 30 });
    for (const pause of [0, 0, 80, 0]) {
      rmSync(conf, { recursive: true });
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      mkdirSync(conf);
      writeFileSync(`${conf}/config.ini`, "2");
      await watch.until(any);
      await expectWatched(watch, `${conf}/config.ini`);
    }
  });

  it("waits for a folder that is not there yet", async () => {
    const path = box.path("later", "deep", "config.ini");
    const watch = await listen(path, { lookEvery: 20 });
    mkdirSync(box.path("later", "deep"), { recursive: true });
    writeFileSync(path, "1");
    await watch.until(any);
    await expectWatched(watch, path);
  });

  it("finds by its periodic look what no event tells: a single-file mount written from outside", async () => {
    const source = `${box.folder("host")}/config.ini`;
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(source, "1");
    writeFileSync(path, "");
    box.bind(source, path);
    const watch = await listen(path, { lookEvery: 20 });
    writeFileSync(source, "2 and more");
    expect(await watch.until(any)).toContain("period");
    await new Promise((resolve) => setTimeout(resolve, 100));
    watch.hints.splice(0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(watch.hints).toEqual([]);
  });

  it("does not tell by the periodic look what it told before", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, "1");
    const watch = await listen(path, { lookEvery: 20 });
    replace(path, "2");
    await watch.until(has("replaced"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(watch.hints).toEqual([]);
  });

  it("opens one watcher for many files of a folder, and none after the last has stopped", async () => {
    const conf = box.folder("conf");
    const before = watchers();
    const paths = Array.from({ length: 50 }, (_, index) => `${conf}/${index}.ini`);
    const watches = await Promise.all(paths.map((path) => listen(path)));
    expect(watchers()).toBe(before + 1);
    writeFileSync(`${conf}/7.ini`, "x");
    await watches[7]?.until(any);
    expect(watches[8]?.hints).toEqual([]);
    for (const watch of watches) await watch.stop();
    // libuv lets go of a watch only after it has handed on the events at hand.
    await vi.waitUntil(() => watchers() === before);
  });

  it("ends with its signal", async () => {
    const conf = box.folder("conf");
    const before = watchers();
    const end = new AbortController();
    const watch = await listen(`${conf}/config.ini`, { signal: end.signal });
    end.abort();
    writeFileSync(`${conf}/config.ini`, "x");
    await vi.waitUntil(() => watchers() === before);
    expect(watch.hints).toEqual([]);
  });
});

describe("when the limit of inotify is reached", () => {
  it("says so once, and goes on with the periodic look", async () => {
    const fs = await import("node:fs");
    const { syncBuiltinESMExports } = await import("node:module");
    const { watch: original } = fs.default;
    let tries = 0;
    fs.default.watch = (() => {
      tries++;
      throw Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" });
    }) as unknown as typeof original;
    syncBuiltinESMExports();
    try {
      const path = `${box.folder("conf")}/config.ini`;
      writeFileSync(path, "1");
      const told: string[] = [];
      const watch = await listen(path, { lookEvery: 20, onTrouble: (message) => told.push(message) });
      writeFileSync(path, "2 and more");
      expect(await watch.until(any)).toEqual(["period"]);
      await vi.waitUntil(() => tries > 3);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(/Cannot watch .*conf: the limit of inotify watches.*max_user_watches/);
      fs.default.watch = original;
      syncBuiltinESMExports();
      await watch.until(has("touched"));
      await expectWatched(watch, path);
    } finally {
      fs.default.watch = original;
      syncBuiltinESMExports();
    }
  });
});

/** A replacement is told as such by an event only, never by the periodic look. */
async function expectWatched(watch: Awaited<ReturnType<typeof listen>>, path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    await settle();
    watch.hints.splice(0);
    replace(path, `try ${tries}`);
    const seen = await Promise.race([
      watch.until(has("replaced")).then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 50)),
    ]);
    if (seen) return;
    expect(tries, "the folder is not watched any more").toBeLessThan(60);
  }
}

/** The inotify watches that this process holds, as the kernel counts them. */
function watchers(): number {
  const descriptors = readdirSync("/proc/self/fd").filter((fd) => linkOf(fd) === "anon_inode:inotify");
  const lines = descriptors.flatMap((fd) => readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").split("\n"));
  return lines.filter((line) => line.startsWith("inotify wd:")).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
