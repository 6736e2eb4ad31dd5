import { ConfigSyncError } from "../errors.ts";

/**
 * What comes from standard input, without the line break at the end that echo and editors make. `what` is what it is for, `largest` how
 * many bytes that may have. Throws USAGE for more.
 */
export async function readStdin(what: string, largest: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largest)
      throw new ConfigSyncError("USAGE", `what comes from standard input is too long for a ${what}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, "");
}

/** Bytes: as many characters as the API takes in a value, four bytes each. */
export const largestValue = 1024 * 1024;
