/**
 * Reads a file of the bench in a tight loop and counts how often it was not whole: empty, cut off, or a mixture. Newlines at the
 * end are allowed, for they say nothing in a .env. Answers any message of its parent with the tally.
 *
 * Run as: fork("reader.ts", [FILE]); ends when its parent lets go of it, or the file is gone.
 */
import { readIfThere } from "./observer.ts";

export interface Tally {
  readonly reads: number;
  readonly broken: number;
}

const [file = ""] = process.argv.slice(2);
const whole = /^# [\w-]+\nVALUE=change-\d+-whole\nOWN=steady\nPORT=8080\n+$/;
let reads = 0;
let broken = 0;

process.on("message", () => process.send?.({ reads, broken } satisfies Tally));
process.on("disconnect", () => process.exit());
readMore();

function readMore(): void {
  for (let read = 0; read < 1000; read++) {
    const text = readIfThere(file);
    // The bench is over.
    if (text === undefined) process.exit();
    if (!whole.test(text)) broken++;
    reads++;
  }
  setImmediate(readMore);
}
