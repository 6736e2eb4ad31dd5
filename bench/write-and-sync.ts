import { fsync, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { Sample } from "./rounds.ts";

/** 2 kB, the size of a small config.ini. */
export const text = Buffer.from("key = value\n".repeat(170));

/** The floor of whatever must survive a power cut: the text at the end of an open file, and fsync. */
export function writeAndSync(file: number): Sample {
  const sync = promisify(fsync);
  return async () => {
    const from = performance.now();
    writeSync(file, text);
    await sync(file);
    return performance.now() - from;
  };
}
