/**
 * Reads files without pause, in a process of its own, until it gets a message; answers with what it saw. Arguments: `strict`
 * or `filled` before each file: whole in every read, or only never empty.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { isWhole } from "./document.ts";

export interface Seen {
  readonly reads: number;
  /** The first reads that were not as they should be. */
  readonly faults: readonly string[];
}

const args = process.argv.slice(2);
const files = args.flatMap((path, index) => (index % 2 === 0 ? [] : [{ path, strict: args[index - 1] === "strict" }]));
const faults: string[] = [];
const buffer = Buffer.alloc(256 * 1024);
let reads = 0;
let goesOn = true;
process.on("message", () => {
  goesOn = false;
});
process.on("disconnect", () => process.exit());
process.send?.("reading");

while (goesOn) {
  const pause = performance.now() + 50;
  while (performance.now() < pause) for (const { path, strict } of files) look(path, strict);
  await breathe();
}
process.send?.({ reads, faults } satisfies Seen, () => process.exit());

function look(path: string, strict: boolean): void {
  reads++;
  const text = read(path);
  if (strict ? isWhole(text) : text !== "") return;
  if (faults.length < 10) faults.push(`${path}: ${JSON.stringify(`${text.slice(0, 60)} … ${text.slice(-60)}`)}`);
}

/**
 * In one call of the system: who asks for the size first, and then for as many bytes, gets the beginning of the next content where a
 * longer one was written in place between the two.
 */
function read(path: string): string {
  try {
    const fd = openSync(path, "r");
    try {
      return buffer.toString("latin1", 0, readSync(fd, buffer));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return `error: ${error}`;
  }
}
