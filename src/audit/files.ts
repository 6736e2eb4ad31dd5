/** The files of the audit log: numbered ones with the lines, and `head`, which remembers how far they went. */
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { writeDurably } from "../platform/safe-write.ts";
import { formatLink, type Link, parseLink } from "./entry.ts";

export function auditFolder(state: string): string {
  return join(state, "audit");
}

export function fileOf(folder: string, number: number): string {
  return join(folder, `${`${number}`.padStart(6, "0")}.jsonl`);
}

/** The numbers of the files with lines, oldest first. Throws STATE_UNUSABLE. */
export function listFiles(folder: string): number[] {
  const names = readOrNothing(folder, () => readdirSync(folder)) ?? [];
  return names
    .flatMap((name) => (/^\d{6,}\.jsonl$/.test(name) ? Number.parseInt(name, 10) : []))
    .sort((one, other) => one - other);
}

/** The first `size` bytes, all without it; empty where there is no such file. Throws STATE_UNUSABLE. */
export function readBytes(folder: string, number: number, size?: number): Buffer {
  const file = fileOf(folder, number);
  const bytes = readOrNothing(file, () => readFileSync(file)) ?? Buffer.alloc(0);
  return bytes.subarray(0, size);
}

/** Without their newlines; `torn` is what stands behind the last one. */
export function splitLines(bytes: Buffer): { readonly lines: Buffer[]; readonly torn: Buffer } {
  const lines: Buffer[] = [];
  let begin = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, begin)) {
    lines.push(bytes.subarray(begin, end));
    begin = end + 1;
  }
  return { lines, torn: bytes.subarray(begin) };
}

const newline = 10;

/** Undefined where there is none, `damaged` where it cannot be what was written. */
export function readHead(folder: string): Link | "damaged" | undefined {
  const text = readOrNothing(headFile(folder), () => readFileSync(headFile(folder), "latin1"));
  if (text === undefined) return undefined;
  return (text.endsWith("\n") && parseLink(text.slice(0, -1))) || "damaged";
}

/** What is written over it later stands in the same place on the disk: it is there, and whole, also after a power cut. */
export function beginHead(folder: string, head: Link): Promise<void> {
  return writeDurably(headFile(folder), `${formatLink(head)}\n`);
}

/**
 * Written over the last one, once the lines up to there are on disk, and not fsynced: after a power cut it may remember less than
 * there is, never more. It only ever grows, so that nothing of the last one shows behind it.
 */
export function writeHead(folder: string, head: Link): void {
  const fd = openSync(headFile(folder), constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, `${formatLink(head)}\n`, 0);
  } finally {
    closeSync(fd);
  }
}

function headFile(folder: string): string {
  return join(folder, "head");
}

function readOrNothing<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new ConfigSyncError("STATE_UNUSABLE", `${path} cannot be read: ${(error as Error).message}`, {
      hint: "Run the command as the user that the daemon runs as",
      cause: error,
    });
  }
}
