import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** A socket address holds 107 bytes; longer paths are cut off silently by some systems and refused by others. */
const longest = 100;

export interface SocketPath extends AsyncDisposable {
  /** To listen on or connect to; good until disposed. */
  readonly path: string;
}

/** The path of a unix socket, made short by way of an open folder where it is too long for a socket address (Linux). */
export async function socketPath(path: string): Promise<SocketPath> {
  if (Buffer.byteLength(path) <= longest) return { path, [Symbol.asyncDispose]: async () => undefined };
  const folder: FileHandle = await open(dirname(path));
  return {
    path: `/proc/self/fd/${folder.fd}/${basename(path)}`,
    [Symbol.asyncDispose]: () => folder.close(),
  };
}
