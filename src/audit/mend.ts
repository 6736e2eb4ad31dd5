/** Where the chain goes on when the files are not as they were left: after a start, a crash, or somebody's hand in them. */
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { removeLeftovers } from "../platform/safe-write.ts";
import { beginning, type Link, readEntry, type Told } from "./entry.ts";
import { fileOf, listFiles, readBytes, readHead, splitLines } from "./files.ts";

export interface Found {
  /** What the next line follows. */
  readonly link: Link;
  /** The newest file; 0 where there is none. */
  readonly number: number;
  /** Its bytes. */
  readonly size: number;
  /** What was found wrong: the first entries of those that follow. */
  readonly mended: readonly Told[];
}

/**
 * Finds the end, cuts off a line that was not written to its end, and deletes what a crash left of a head: only for who holds the
 * log's lock. Where more is remembered than there is, the chain goes on behind what is remembered: the gap stays, and `verify` finds
 * it for all time.
 */
export function mendEnd(folder: string, known: Link | undefined): Found {
  removeLeftovers(folder);
  const numbers = listFiles(folder);
  const number = numbers.at(-1) ?? 0;
  const { torn, size } = number === 0 ? { torn: 0, size: 0 } : cutTorn(folder, number);
  const there = lastLink(folder, numbers);
  const head = readHead(folder);
  const remembered = [head === "damaged" ? undefined : head, known].filter((link) => link !== undefined);
  const link = [...remembered, there].reduce((one, other) => (other.seq > one.seq ? other : one), beginning);
  const words = [];
  if (torn > 0) words.push(`a line of ${torn} bytes that was not written to its end was cut off`);
  if (head === "damaged") words.push("the file head was damaged and is written anew");
  if (head === undefined && number > 0) words.push("the file head was not there and is written anew");
  if (link.seq > there.seq) words.push(`entries ${there.seq + 1} to ${link.seq} are missing`);
  return { link, number, size, mended: words.map(say) };
}

function cutTorn(folder: string, number: number): { readonly torn: number; readonly size: number } {
  const torn = splitLines(readBytes(folder, number)).torn.length;
  const fd = openSync(fileOf(folder, number), constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const size = fstatSync(fd).size - torn;
    if (torn > 0) {
      ftruncateSync(fd, size);
      fsyncSync(fd);
    }
    return { torn, size };
  } finally {
    closeSync(fd);
  }
}

/** Of the last line that is as it was written. */
function lastLink(folder: string, numbers: readonly number[]): Link {
  for (const number of numbers.toReversed()) {
    for (const line of splitLines(readBytes(folder, number)).lines.reverse()) {
      const read = readEntry(line);
      if (read !== undefined) return read.link;
    }
  }
  return beginning;
}

function say(why: string): Told {
  return { who: { name: "config-sync", kind: "daemon" }, from: "file", what: "mended", why, outcome: "done" };
}
