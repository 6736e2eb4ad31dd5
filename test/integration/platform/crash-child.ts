/**
 * Writes one file and is killed before its nth call into the file system (a write: after half of it). Arguments: n, path, root,
 * journal, text. Exits with 0 when there were fewer calls.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [steps = "0", path = "", root = "", journal = "", text = ""] = process.argv.slice(2);
const { commitFiles, stageFile } = await import("../../../src/platform/safe-write.ts");
// Loaded at the first write otherwise, with calls of its own.
await import("../../../src/platform/safe-write/in-place.ts");

let left = Number(steps);
const { writeSync } = fs;
const die = (): void => {
  process.kill(process.pid, "SIGKILL");
  // The signal is delivered before the next instruction outside of the kernel; this is for the compiler's peace.
  for (;;);
};

const watched = [
  "openSync",
  "fchownSync",
  "fchmodSync",
  "fsync",
  "renameSync",
  "ftruncateSync",
  "rmSync",
  "mkdirSync",
] as const;
for (const name of watched) {
  const original = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      if (--left === 0) die();
      return original(...args);
    },
  });
}
Object.assign(fs, {
  writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
    if (--left > 0) return writeSync(fd, bytes, offset, length, position);
    try {
      writeSync(fd, bytes, offset, length >> 1, position);
    } catch {
      // A direct write takes whole blocks only: then it did not happen.
    }
    return die();
  },
});
syncBuiltinESMExports();

const staged = await stageFile({ path, bytes: Buffer.from(text), mode: 0o640, roots: [root], journal });
await commitFiles([staged]);
