import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Bytes. A chain of some certificates takes ten thousand. */
const limit = 256 * 1024;

/** What a file of certificates or keys holds; undefined for what is not there, is no regular file, too large, or not for us to read. */
export async function readPem(path: string): Promise<Buffer | undefined> {
  try {
    // O_NONBLOCK: opening a named pipe must not wait for its other end.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > limit) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limit), 0, limit);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  }
}
