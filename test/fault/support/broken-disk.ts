/**
 * `node --import` of this makes the disk fail: while the file BROKEN_DISK says `SHARE SEED all`, that share of all calls on files
 * below its folder fails with EIO, ENOSPC or EMFILE, at random by the seed; with `writing` only of those that change something.
 * Nothing else of the process meets it.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";
import { type Random, seeded } from "../random.ts";

type Call = (...given: unknown[]) => unknown;

const order = process.env.BROKEN_DISK ?? "";
const folder = dirname(order);
const { readFileSync } = fs;
const ours = new Set<unknown>();
const errors = { EIO: "i/o error", ENOSPC: "no space left on device", EMFILE: "too many open files" };
const changing = [
  ...["writeSync", "renameSync", "rmSync", "mkdirSync", "ftruncateSync", "fchmodSync", "fchownSync"],
  ...["fsync", "appendFile", "datasync"],
];
let words = "";
let random: Random = seeded(0);

/** Undefined where the call may go on. */
function failureOf(call: string): Error | undefined {
  const now = readOrder();
  const [share = "", seed = "", which = ""] = now.split(" ");
  if (now !== words) random = seeded(Number(seed));
  words = now;
  if ((which === "writing" && !changing.includes(call)) || !random.chance(Number(share))) return undefined;
  const code = random.pick(["EIO", "ENOSPC", "EMFILE"] as const);
  return Object.assign(new Error(`${code}: ${errors[code]}, ${call}`), { code, syscall: call });
}

function readOrder(): string {
  try {
    return readFileSync(order, "utf8");
  } catch {
    return "0 0 all";
  }
}

function isOurs(subject: unknown): boolean {
  return ours.has(subject) || (typeof subject === "string" && subject.startsWith(`${folder}/`) && subject !== order);
}

/** The calls that put files there, by what their first argument is. */
const onPaths = ["openSync", "readFileSync", "renameSync", "rmSync", "mkdirSync", "readdirSync"] as const;
const onDescriptors = ["writeSync", "readSync", "ftruncateSync", "fchmodSync", "fchownSync"] as const;

for (const name of [...onPaths, ...onDescriptors]) {
  const real = fs[name] as Call;
  const call: Call = (...given) => {
    const failure = isOurs(given[0]) ? failureOf(name) : undefined;
    if (failure !== undefined) throw failure;
    const result = real(...given);
    if (name === "openSync" && isOurs(given[0])) ours.add(result);
    return result;
  };
  Object.assign(fs, { [name]: call });
}

const { closeSync, fsync } = fs;
Object.assign(fs, {
  closeSync: (fd: number) => {
    ours.delete(fd);
    closeSync(fd);
  },
  fsync: (fd: number, done: fs.NoParamCallback) => {
    const failure = isOurs(fd) ? failureOf("fsync") : undefined;
    if (failure === undefined) fsync(fd, done);
    else setImmediate(done, failure);
  },
});

const { open, readFile } = fs.promises;
Object.assign(fs.promises, {
  readFile: async (...given: Parameters<typeof readFile>) => {
    const failure = isOurs(given[0]) ? failureOf("readFile") : undefined;
    if (failure !== undefined) throw failure;
    return readFile(...given);
  },
  open: async (...given: Parameters<typeof open>) => {
    const failure = isOurs(given[0]) ? failureOf("open") : undefined;
    if (failure !== undefined) throw failure;
    const handle = await open(...given);
    if (isOurs(given[0])) breakHandle(handle);
    return handle;
  },
});

function breakHandle(handle: fs.promises.FileHandle): void {
  for (const name of ["appendFile", "datasync", "read"] as const) {
    const real = handle[name].bind(handle) as Call;
    const call: Call = async (...given) => {
      const failure = failureOf(name);
      if (failure !== undefined) throw failure;
      return real(...given);
    };
    Object.assign(handle, { [name]: call });
  }
}

syncBuiltinESMExports();
