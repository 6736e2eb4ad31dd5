import { execFileSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Layer } from "../../../src/config/layers.ts";
import { reveal, secretPaths } from "../../../src/config/secret.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";
import { type FileSourceOptions, fileSource } from "../../../src/sources/file.ts";
import { useSandbox } from "../platform/sandbox.ts";

const box = useSandbox();
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function open(path: string, more: Partial<FileSourceOptions> = {}) {
  return fileSource({
    path,
    name: "config.ini",
    protected: false,
    substitute: false,
    secretPaths: secretPaths([]),
    lookEvery: 3_600_000,
    environment: {},
    ...more,
  });
}

/**
 * A source that is watched and looked at as the daemon does: one look at a time, another one when a hint came meanwhile.
 * Every value of `[s] k` and every error is kept in order.
 */
async function follow(path: string, more: Partial<FileSourceOptions> = {}) {
  const source = open(path, more);
  const seen: string[] = [];
  let wake = (): void => {};
  let looking = false;
  let again = false;
  const look = async (): Promise<void> => {
    again = true;
    if (looking) return;
    looking = true;
    while (again) {
      again = false;
      seen.push(await source.load().then(readK, (error: ConfigSyncError) => error.code));
      wake();
    }
    looking = false;
  };
  stops.push((await source.watch?.(() => void look())) ?? (async () => {}));
  await look();
  seen.splice(0);
  return {
    seen,
    /** Resolves when the last look saw this, and no other look is due. */
    until: async (wanted: string): Promise<void> => {
      while (seen.at(-1) !== wanted || looking)
        await new Promise<void>((resolve) => {
          wake = () => setImmediate(resolve);
          setTimeout(resolve, 5);
        });
    },
  };
}

function readK(layer: Layer): string {
  const entry = layer.entries.find(({ path }) => path[0] === "s" && path[1] === "k");
  return entry === undefined ? "no value" : reveal(entry.value);
}

const text = (value: string): string => `[s]\nk = ${value}\n`;

function create(value: string): string {
  const path = `${box.folder("conf")}/config.ini`;
  writeFileSync(path, text(value));
  return path;
}

function replace(path: string, content: string): void {
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}

describe("a file source says what the file holds", () => {
  it("with the place of each value, and secrets as such", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, "# comment\r\n[gitea]\r\nhttp_port = 3000\r\nuser_pwd=hunter2\r\n[ b ]\r\nx = ä\r\n");
    const { source, protected: guarded, entries } = await open(path, { protected: true }).load();
    expect({ source, guarded }).toEqual({ source: "config.ini", guarded: true });
    expect(entries.map(({ path, value }) => [path, String(value)])).toEqual([
      [["gitea", "http_port"], "3000"],
      [["gitea", "user_pwd"], "[secret]"],
      [[" b ", "x"], "ä"],
    ]);
    expect(entries[0]?.origin).toEqual({ source: "config.ini", file: "config.ini", line: 3, column: 13 });
    expect(entries.map(({ value }) => reveal(value))).toEqual(["3000", "hunter2", "ä"]);
  });

  it("takes a byte order mark, and a lone % literally", async () => {
    const path = create("x");
    writeFileSync(path, "\uFEFF[s]\nk = 100%\n");
    expect(readK(await open(path).load())).toBe("100%");
  });

  it("fills in references only when it is told to", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, `[s]\nk = \${HOME_PORT}/\${other.key}/$$\n`);
    expect(readK(await open(path).load())).toBe(`\${HOME_PORT}/\${other.key}/$$`);
    const others = async () => [
      { source: "a", protected: true, entries: [{ path: ["other", "key"], value: "strong", origin: { source: "a" } }] },
      { source: "b", protected: false, entries: [{ path: ["other", "key"], value: "weak", origin: { source: "b" } }] },
    ];
    const filled = open(path, { substitute: true, environment: { HOME_PORT: "80" }, others });
    expect(readK(await filled.load())).toBe("80/strong/$");
  });
});

describe("bad input is an error with a place and a hint, never no values", () => {
  const cases: [string, Buffer | string, string, string][] = [
    ["an empty file", "", "config.ini", "no section"],
    ["blank lines", "\n \r\n\t\n", "config.ini", "no section"],
    ["comments only", "# a\n; b\n", "config.ini", "no section"],
    ["a byte that is not UTF-8", Buffer.from("[s]\nab = \xe4\xff\n", "latin1"), "config.ini:2:6", "not UTF-8"],
    ["UTF-16", Buffer.from("\uFEFF[s]\nk = 1\n", "utf16le"), "config.ini:1:1", "UTF-16"],
    ["a NUL", "[s]\nk = a\0b\n", "config.ini:2:6", "NUL"],
    ["a key that stands twice", "[s]\nk = 1\nk = 2\n", "config.ini:3", "twice"],
    ["a line that is nothing", "[s]\nnonsense\n", "config.ini:2", "neither a section"],
    ["a value before any section", "k = 1\n", "config.ini:1", "section"],
  ];

  it.each(cases)("%s", async (_, content, place, words) => {
    const path = create("x");
    writeFileSync(path, content);
    const error = await open(path)
      .load()
      .catch((thrown: ConfigSyncError) => thrown);
    expect(error).toMatchObject({ code: "SOURCE_INVALID" });
    expect((error as ConfigSyncError).toText()).toContain(place);
    expect((error as ConfigSyncError).toText()).toMatch(new RegExp(words, "i"));
    expect((error as ConfigSyncError).hint).toBeDefined();
  });

  it("what is no file, too large, or not there", async () => {
    const conf = box.folder("conf");
    writeFileSync(`${conf}/large`, "");
    execFileSync("truncate", ["-s", "17M", `${conf}/large`]);
    execFileSync("mkfifo", [`${conf}/pipe`]);
    await expect(open(conf).load()).rejects.toMatchObject({ code: "SOURCE_INVALID" });
    await expect(open(`${conf}/pipe`).load()).rejects.toThrow(/named pipe/);
    await expect(open(`${conf}/large`).load()).rejects.toThrow(/16 MiB/);
    for (const path of [`${conf}/missing`, `${conf}/large/below`])
      await expect(open(path).load()).rejects.toMatchObject({ code: "SOURCE_MISSING", place: { file: "config.ini" } });
  });
});

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
    const source = await follow(path);
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
    const source = await follow(`${conf}/config.ini`);
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
    const source = await follow(path, { lookEvery: 20 });
    writeFileSync(host, text("2"));
    await source.until("2");
  });

  it("when the file comes late, and when it goes and comes back", async () => {
    const path = box.path("later", "config.ini");
    const source = await follow(path, { lookEvery: 20 });
    writeFileSync(`${box.folder("later")}/config.ini`, text("1"));
    await source.until("1");
    unlinkSync(path);
    await source.until("SOURCE_MISSING");
    writeFileSync(path, text("2"));
    await source.until("2");
  });
});

describe("half a file is never taken for the whole", () => {
  const whole = (value: string): string => `${text(value)}${"# filler\n".repeat(400)}[end]\nlast = ${value}\n`;

  /** Whether start and end were written together. */
  async function followWhole(path: string) {
    // Three times the usual: this process, which also writes, may be held up for longer than 20 ms on a busy machine.
    const source = open(path, { quiet: 60 });
    const torn: unknown[] = [];
    const seen = new Set<string>();
    let looking = false;
    let again = false;
    const look = async (): Promise<void> => {
      again = true;
      if (looking) return;
      looking = true;
      while (again) {
        again = false;
        const layer = await source.load().catch((error: ConfigSyncError) => error);
        if ("code" in layer) torn.push(layer.toText());
        else {
          const last = layer.entries.find(({ path }) => path[0] === "end");
          if (readK(layer) !== (last && reveal(last.value))) torn.push(layer.entries);
          seen.add(readK(layer));
        }
      }
      looking = false;
    };
    stops.push((await source.watch?.(() => void look())) ?? (async () => {}));
    await look();
    return { torn, seen, idle: () => !looking };
  }

  const openings: [string, (path: string) => number][] = [
    ["truncated", (path) => openSync(path, "w")],
    [
      "deleted and created",
      (path) => {
        unlinkSync(path);
        return openSync(path, "w");
      },
    ],
    [
      "set aside and created",
      (path) => {
        renameSync(path, `${path}~`);
        return openSync(path, "w");
      },
    ],
    ["opened and overwritten", (path) => openSync(path, "r+")],
  ];

  it.each(openings)("%s and written in pieces with pauses shorter than the quiet window", async (_, start) => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, whole("0"));
    const { torn, seen } = await followWhole(path);
    for (let round = 1; round <= 8; round++) {
      const content = whole(String(round));
      const fd = start(path);
      for (let at = 0; at < content.length; at += 900) {
        writeSync(fd, content.slice(at, at + 900), at);
        // A busy wait: a timer may take far longer than asked on a loaded machine.
        for (const end = performance.now() + 4; performance.now() < end; )
          await new Promise((resolve) => setImmediate(resolve));
      }
      ftruncateSync(fd, content.length);
      closeSync(fd);
      while (!seen.has(String(round))) await wait(5);
    }
    expect(torn).toEqual([]);
  });

  it("says that it is unstable when it never rests", async () => {
    const path = create("0");
    let index = 0;
    const timer = setInterval(() => writeFileSync(path, text(String(index++))), 5);
    try {
      await expect(open(path).load()).rejects.toMatchObject({ code: "SOURCE_UNSTABLE", retryable: true });
    } finally {
      clearInterval(timer);
    }
  });

  it("takes a replaced file at once, without the quiet window", async () => {
    const path = create("0");
    utimesSync(path, 1, 1);
    const source = await follow(path, { quiet: 5000 });
    const before = performance.now();
    for (let round = 1; round <= 5; round++) {
      replace(path, text(String(round)));
      await source.until(String(round));
    }
    // A single quiet window would be longer.
    expect(performance.now() - before).toBeLessThan(5000);
  });
});

describe("whatever is done to the file", () => {
  it.each([1, 2, 3])("the last look sees what it holds in the end (seed %i)", async (seed) => {
    const path = create("start");
    const source = await follow(path, { lookEvery: 500 });
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
    expect(statSync(path).isFile()).toBe(true);
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
