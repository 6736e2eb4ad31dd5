import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { describeKind } from "./confine.ts";

const limit = 1024 * 1024;

/**
 * The text of a file that people wrote for us: settings, manifests, templates. Throws the system's error where it cannot be
 * opened, and an Error that completes the sentence "the file …" for what is no regular file, larger than 1 MiB, or no UTF-8 text.
 *
 * Synchronous: thousands are read at start, and the thread pool would leave 10 MB of memory in pieces behind, besides taking longer.
 */
export function readTextFile(path: string): string {
  // O_NONBLOCK: opening a named pipe must not wait for its other end.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error(`is ${describeKind(stats)}, not a regular file`);
    const bytes = readAtMost(fd, Math.min(stats.size, limit) + 1);
    if (bytes.length > limit) throw new Error("is larger than 1 MiB");
    if (!isUtf8(bytes) || bytes.includes(0)) throw new Error("is not a UTF-8 text file");
    return bytes.toString().replace(/^\uFEFF/, "");
  } finally {
    closeSync(fd);
  }
}

function readAtMost(fd: number, most: number): Buffer {
  const buffer = Buffer.allocUnsafe(most);
  let length = 0;
  while (length < most) {
    const count = readSync(fd, buffer, length, most - length, length);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
