/** Whether the audit log is, byte for byte, what was written: every line, their order, and the end that `head` remembers. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import { withLockFile } from "../platform/lock-file.ts";
import { beginning, type Link, readEntry } from "./entry.ts";
import { fileOf, listFiles, readBytes, readHead, splitLines } from "./files.ts";

export interface Fault {
  /** The name of the file. */
  readonly file: string;
  readonly line?: number;
  readonly text: string;
}

export interface Verified {
  readonly entries: number;
  /** The last line that is as it was written: to be kept elsewhere. Undefined where there is none. */
  readonly head: Link | undefined;
  readonly faults: readonly Fault[];
}

/** `expected`: a head that was kept elsewhere, which the log must still hold. Throws STATE_UNUSABLE. */
export async function verifyAudit(folder: string, expected?: Link): Promise<Verified> {
  const { files, head } = await standingNow(folder);
  const remembered = [
    { file: "head", link: head === "damaged" ? undefined : head },
    { file: "what was kept elsewhere", link: expected },
  ].flatMap(({ file, link }) => (link === undefined ? [] : [{ file, link }]));
  const { readFile, faults, seen, result } = createWalk(remembered.map(({ link }) => link));
  for (const { number, size } of files) readFile(basename(fileOf(folder, number)), readBytes(folder, number, size));
  if (head === "damaged") faults.push({ file: "head", text: "is not what was written" });
  if (head === undefined && files.length > 0) faults.push({ file: "head", text: "is not there" });
  for (const { file, link } of remembered) {
    const found = seen.get(link.seq);
    if (found === link.hash) continue;
    const state = found === undefined ? "not there as it was written" : "another one now";
    faults.push({ file, text: `remembers entry ${link.seq}, which is ${state}` });
  }
  return { ...result(), faults };
}

interface Standing {
  readonly files: readonly { readonly number: number; readonly size: number }[];
  readonly head: Link | "damaged" | undefined;
}

/** Of one moment between two appends: what comes behind that is not looked at. */
async function standingNow(folder: string): Promise<Standing> {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return { files: [], head: undefined };
  return withLockFile(`${folder}/lock`, async () => ({
    files: listFiles(folder).map((number) => ({ number, size: statSync(fileOf(folder, number)).size })),
    head: readHead(folder),
  }));
}

/** Goes from line to line; `seen` has the hashes of those entries that are wanted. */
function createWalk(wanted: readonly Link[]) {
  const faults: Fault[] = [];
  const seen = new Map([[beginning.seq, beginning.hash]]);
  let entries = 0;
  let last: Link = beginning;
  /** Lines since `last` that cannot be read: whether the next one follows them can only be told by its number. */
  let damaged = 0;

  const readLine = (bytes: Buffer, file: string, line: number): void => {
    const read = readEntry(bytes);
    const fault = (text: string): void => void faults.push({ file, line, text });
    if (read === undefined) {
      damaged += 1;
      fault("is not what was written");
      return;
    }
    const { link, prev } = read;
    const awaited = last.seq + damaged + 1;
    if (link.seq > awaited) fault(`is entry ${link.seq}, and ${nameEntries(awaited, link.seq - 1)} missing before it`);
    else if (link.seq < awaited) fault(`is entry ${link.seq}, where entry ${awaited} belongs`);
    else if (damaged === 0 && prev !== last.hash) fault("does not follow the line before it");
    if (wanted.some(({ seq }) => seq === link.seq)) seen.set(link.seq, link.hash);
    entries += 1;
    damaged = 0;
    last = link;
  };

  const readFile = (file: string, bytes: Buffer): void => {
    const { lines, torn } = splitLines(bytes);
    for (const [index, line] of lines.entries()) readLine(line, file, index + 1);
    if (torn.length === 0) return;
    damaged += 1;
    faults.push({ file, line: lines.length + 1, text: "was not written to its end, or was cut" });
  };

  return { readFile, faults, seen, result: () => ({ entries, head: entries === 0 ? undefined : last }) };
}

function nameEntries(from: number, to: number): string {
  return from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;
}
