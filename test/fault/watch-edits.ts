import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "./random.ts";

/** Changes a file in one of many ways, so that in the end it holds something whole. Resolves when it has. */
export type Edit = (value: string) => Promise<void> | void;

export interface Scene {
  /** The file that is watched, two folders deep. */
  readonly path: string;
  /** What inotify tells of, sooner or later. */
  readonly told: Readonly<Record<string, Edit>>;
  /** What only the periodic look can find: inotify tells of no mount, and of no folder above the one that is watched. */
  readonly untold: Readonly<Record<string, Edit>>;
  /** `k` of what the file holds now; undefined without a file. */
  readonly holds: () => string | undefined;
  /** How often a writer was held up in the middle for as long as a file must rest: who took the half then did no wrong. */
  readonly heldUp: () => number;
}

/** The same value at both ends, so that halves and mixtures are recognised. */
export function wholeFile(value: string, filler: number): string {
  return `[s]\nk = ${value}\n${"# filler\n".repeat(filler)}[end]\nlast = ${value}\n`;
}

/** Makes `folder/deep/conf/config.ini`. `quiet`: milliseconds after which a half file counts as whole. */
export function openScene(folder: string, random: Random, quiet: number): Scene {
  const deep = join(folder, "deep");
  const conf = join(deep, "conf");
  const path = join(conf, "config.ini");
  const content = (value: string): string => wholeFile(value, random.below(200));
  let versions = 0;
  let heldUp = 0;

  const write = (value: string, at = path): void => writeFileSync(at, content(value));

  const replace = (value: string, at = path): void => {
    write(value, `${at}.tmp`);
    renameSync(`${at}.tmp`, at);
  };

  const writePieces = async (value: string, fd: number): Promise<void> => {
    const text = content(value);
    const size = Math.ceil(text.length / (2 + random.below(3)));
    let rested = performance.now();
    for (let at = 0; at < text.length; at += size) {
      if (at > 0) await pause(random.below(Math.ceil(quiet / 3)));
      if (performance.now() - rested > quiet - 1) heldUp++;
      rested = performance.now();
      writeSync(fd, text.slice(at, at + size), at);
    }
    ftruncateSync(fd, text.length);
    closeSync(fd);
  };

  /** A Kubernetes volume's: the file leads to `..data`, which leads to a folder; `..data` is put on another one. */
  const swapData = (value: string): void => {
    const before = linkAt(join(conf, "..data"));
    const next = `..version-${versions++}`;
    mkdirSync(join(conf, next));
    write(value, join(conf, next, "config.ini"));
    symlinkSync(next, join(conf, "..data_tmp"));
    renameSync(join(conf, "..data_tmp"), join(conf, "..data"));
    if (linkAt(path) === undefined) {
      symlinkSync("..data/config.ini", `${path}.tmp`);
      renameSync(`${path}.tmp`, path);
    }
    if (before !== undefined) rmSync(join(conf, before), { recursive: true });
  };

  const replaceFolder = (value: string, at: string, name: string): void => {
    const next = join(folder, "next");
    mkdirSync(join(next, name, ".."), { recursive: true });
    write(value, join(next, name));
    renameSync(at, join(folder, "old"));
    renameSync(next, at);
    rmSync(join(folder, "old"), { recursive: true });
  };

  const edits: Pick<Scene, "told" | "untold"> = {
    told: {
      rename: (value) => replace(value),
      "in place": (value) => write(value),
      "truncated, in pieces": (value) => writePieces(value, openSync(path, "w")),
      "overwritten, in pieces": (value) => writePieces(value, openSync(path, "r+")),
      "..data swapped": swapData,
      "deleted, created": (value) => {
        unlinkSync(path);
        write(value);
      },
      "deleted, created in pieces": (value) => {
        unlinkSync(path);
        return writePieces(value, openSync(path, "w"));
      },
      "deleted, later renamed into place": async (value) => {
        unlinkSync(path);
        await pause(random.below(2 * quiet));
        replace(value);
      },
      "set aside, created": (value) => {
        renameSync(path, `${path}~`);
        write(value);
      },
      "twice at once": (value) => {
        replace(`${value}-first`);
        if (random.chance(0.5)) replace(value);
        else write(value);
      },
      "folder replaced": (value) => replaceFolder(value, conf, "config.ini"),
      "folder removed and made": async (value) => {
        rmSync(conf, { recursive: true });
        if (random.chance(0.5)) await pause(random.below(10));
        mkdirSync(conf);
        write(value);
      },
    },
    untold: {
      "folder above replaced": (value) => replaceFolder(value, deep, "conf/config.ini"),
      "file system over the folder": (value) =>
        whileMounted(["-t", "tmpfs", "-o", "size=1m", "none"], conf, async () => {
          write(`${value}-over`);
          await pause(random.below(50));
          if (random.chance(0.5)) replace(`${value}-over-next`);
          await pause(random.below(50));
        }),
      "file over the file": (value) => {
        const over = join(folder, "over.ini");
        write(`${value}-over`, over);
        return whileMounted(["--bind", over], path, async () => {
          await pause(random.below(50));
          // Past the mount: no event of the folder tells of it.
          if (random.chance(0.5)) write(`${value}-over-next`, over);
          await pause(random.below(50));
        });
      },
    },
  };

  mkdirSync(conf, { recursive: true });
  write("start");
  return { path, ...edits, holds: () => valueIn(path), heldUp: () => heldUp };
}

function valueIn(path: string): string | undefined {
  try {
    return /^k = (.*)$/m.exec(readFileSync(path, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function linkAt(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

async function whileMounted(args: readonly string[], at: string, work: () => Promise<void>): Promise<void> {
  execFileSync("mount", [...args, at]);
  try {
    await work();
  } finally {
    // Lazily: the reader may have the file open.
    execFileSync("umount", ["--lazy", at]);
  }
}

/** Lets others in, if only for a turn. Short ones busily: on a loaded machine a timer may take far longer than asked. */
export async function pause(milliseconds: number): Promise<void> {
  if (milliseconds >= 10) return wait(milliseconds);
  const end = performance.now() + milliseconds;
  do await new Promise((resolve) => setImmediate(resolve));
  while (performance.now() < end);
}
