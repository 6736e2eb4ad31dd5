import { execFileSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { FileSourceOptions } from "../../../src/sources/file.ts";
import { useSandbox } from "../platform/sandbox.ts";
import { openSource, readK, text, useFollow } from "./follow.ts";

const box = useSandbox();
const follow = useFollow();

function create(value: string): string {
  const path = `${box.folder("conf")}/config.ini`;
  writeFileSync(path, text(value));
  return path;
}

function replace(path: string, content: string): void {
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}

/** Follows a file; the values seen are kept in order. */
async function watchValues(path: string, more: Partial<FileSourceOptions> = {}) {
  const seen: string[] = [];
  const { idle } = await follow(openSource(path, more), (outcome) => seen.push(readK(outcome)));
  seen.splice(0);
  return {
    seen,
    /** Resolves when the last look saw this, and no other look is due. */
    until: (wanted: string) => vi.waitUntil(() => seen.at(-1) === wanted && idle(), { timeout: 30_000, interval: 2 }),
  };
}

describe("a change is seen", () => {
  const ways: [string, (path: string, value: string) => void][] = [
    ["a rename over it", (path, value) => replace(path, text(value))],
    ["a write in place", (path, value) => writeFileSync(path, text(value))],
    ["sed -i", (path, value) => execFileSync("sed", ["-i", `s/^k = .*/k = ${value}/`, path])],
    [
      "delete and create",
      (path, value) => {
        unlinkSync(path);
        writeFileSync(path, text(value));
      },
    ],
    [
      "a backup by rename, then a new file, as editors do",
      (path, value) => {
        renameSync(path, `${path}~`);
        writeFileSync(path, text(value));
        unlinkSync(`${path}~`);
      },
    ],
    [
      "a file with an older date and the same length",
      (path, value) => {
        writeFileSync(`${path}.tmp`, text(value));
        utimesSync(`${path}.tmp`, 1, 1);
        renameSync(`${path}.tmp`, path);
      },
    ],
    [
      "cp -p over it",
      (path, value) => {
        writeFileSync(`${path}.from`, text(value));
        utimesSync(`${path}.from`, 1, 1);
        execFileSync("cp", ["-p", `${path}.from`, path]);
      },
    ],
  ];

  it.each(ways)("%s, again and again, without an error in between", async (_, change) => {
    const path = create("0");
    const source = await watchValues(path);
    for (let round = 1; round <= 12; round++) {
      change(path, String(round));
      await source.until(String(round));
    }
    expect(source.seen.filter((value) => !/^\d+$/.test(value))).toEqual([]);
  });

  it("through ln -sfn, a Kubernetes swap and a replaced folder", async () => {
    const conf = box.folder("conf");
    for (const version of ["1", "2", "3"]) {
      mkdirSync(box.path(`v${version}`));
      writeFileSync(box.path(`v${version}`, "config.ini"), text(version));
    }
    symlinkSync("../v1", `${conf}/..data`);
    symlinkSync("..data/config.ini", `${conf}/config.ini`);
    const source = await watchValues(`${conf}/config.ini`);
    symlinkSync("../v2", `${conf}/..data_tmp`);
    renameSync(`${conf}/..data_tmp`, `${conf}/..data`);
    await source.until("2");
    execFileSync("ln", ["-sfn", "../v3", `${conf}/..data`]);
    await source.until("3");
    cpSync(conf, box.path("next"), { recursive: true, verbatimSymlinks: true });
    unlinkSync(box.path("next", "config.ini"));
    writeFileSync(box.path("next", "config.ini"), text("4"));
    renameSync(conf, box.path("old"));
    renameSync(box.path("next"), conf);
    await source.until("4");
    expect(source.seen.filter((value) => !/^\d+$/.test(value))).toEqual([]);
  });

  it("on a single-file mount, by the periodic look", async () => {
    const path = create("");
    const host = `${box.folder("host")}/config.ini`;
    writeFileSync(host, text("1"));
    box.bind(host, path);
    const source = await watchValues(path, { lookEvery: 20 });
    writeFileSync(host, text("2"));
    await source.until("2");
  });

  it("of which only a look knew: a mount over the folder that came and went", async () => {
    const path = create("1");
    const source = openSource(path, { lookEvery: 500 });
    let told = (): void => {};
    const stop = await source.watch?.(() => told());
    expect(readK(await source.load())).toBe("1");
    box.tmpfs("1m", dirname(path));
    writeFileSync(path, text("over"));
    expect(readK(await source.load())).toBe("over");
    const hint = new Promise<void>((resolve) => {
      told = resolve;
    });
    box.unmount(dirname(path));
    await hint;
    expect(readK(await source.load())).toBe("1");
    await stop?.();
  });

  it("when the file comes late, and when it goes and comes back", async () => {
    const path = box.path("later", "config.ini");
    const source = await watchValues(path, { lookEvery: 20 });
    writeFileSync(`${box.folder("later")}/config.ini`, text("1"));
    await source.until("1");
    unlinkSync(path);
    await source.until("SOURCE_MISSING");
    writeFileSync(path, text("2"));
    await source.until("2");
  });

  it("takes a replaced file at once, without the quiet window", async () => {
    const path = create("0");
    utimesSync(path, 1, 1);
    const source = await watchValues(path, { quiet: 5000 });
    const before = performance.now();
    for (let round = 1; round <= 5; round++) {
      replace(path, text(String(round)));
      await source.until(String(round));
    }
    // A single quiet window would be longer.
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it("takes a file that is written in pieces one quiet window after the last piece", async () => {
    const path = create("0");
    utimesSync(path, 1, 1);
    const quiet = 1000;
    const source = await watchValues(path, { quiet });
    const fd = openSync(path, "w");
    writeSync(fd, "[s]\n");
    await wait(quiet / 10);
    writeSync(fd, "k = 1\n");
    const written = performance.now();
    closeSync(fd);
    await vi.waitUntil(() => source.seen.length > 0, { timeout: 10 * quiet, interval: 2 });
    expect(source.seen[0]).toBe("1");
    const taken = performance.now() - written;
    expect(taken).toBeGreaterThanOrEqual(quiet);
    // A window that began with the first piece, and a second one after it, would be nearly two.
    expect(taken).toBeLessThan(1.6 * quiet);
  });

  it("takes a file that is replaced while a look waits for the quiet window at once", async () => {
    const path = create("0");
    utimesSync(path, 1, 1);
    const source = openSource(path, { quiet: 5000 });
    const stop = await source.watch?.(() => {});
    await source.load();
    const before = performance.now();
    for (const round of ["1", "2", "3"]) {
      const look = source.load();
      replace(path, text(round));
      expect(readK(await look)).toBe(round);
    }
    expect(performance.now() - before).toBeLessThan(5000);
    await stop?.();
  });
});

describe("whatever is done to the file", () => {
  it.each([1, 2, 3])("the last look sees what it holds in the end (seed %i)", async (seed) => {
    const path = create("start");
    const source = await watchValues(path, { lookEvery: 500 });
    const random = generator(seed);
    let last = "start";
    const edits: ((value: string) => void)[] = [
      (value) => writeFileSync(path, text(value)),
      (value) => replace(path, text(value)),
      (value) => {
        rmSync(path, { force: true });
        writeFileSync(path, text(value));
      },
      (value) => {
        const fd = openSync(path, "w");
        writeSync(fd, "[s]\n");
        writeSync(fd, `k = ${value}\n`);
        closeSync(fd);
      },
      (value) => {
        replace(path, text(`${value}-first`));
        replace(path, text(value));
      },
      (value) => {
        replace(path, text(`${value}-first`));
        writeFileSync(path, text(value));
      },
      (value) => {
        renameSync(path, `${path}~`);
        writeFileSync(path, text(value));
      },
    ];
    for (let round = 0; round < 60; round++) {
      const burst = 1 + Math.floor(random() * 25);
      for (let index = 0; index < burst; index++) {
        last = `${round}.${index}`;
        edits[Math.floor(random() * edits.length)]?.(last);
        if (random() < 0.3) await wait(random() * 8);
      }
      if (random() < 0.5) await source.until(last);
    }
    await source.until(last);
    expect(readFileSync(path, "utf8")).toBe(text(last));
    expect(source.seen.filter((value) => !/^(start|[\d.]+(-first)?|SOURCE_UNSTABLE)$/.test(value))).toEqual([]);
  });
});

/** mulberry32: a seed gives the same edits again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
