import { hash } from "node:crypto";
import { commitFiles, discardFiles, removeFile, type Staged, stageFile } from "../platform/safe-write.ts";
import type { OutputPlan } from "./plan.ts";
import type { PreviousFile } from "./record.ts";
import type { Turn } from "./turn.ts";

type Place = Pick<Turn, "roots" | "journal">;

/** An output, ready beside its destination but not visible yet. */
export function stageOutput({ output, text }: OutputPlan, { roots, journal }: Place): Promise<Staged> {
  const { path, mode, owner, inPlace } = output;
  return stageFile({ path, bytes: Buffer.from(text), mode, ...owner, inPlace, roots, journal });
}

/** A file as it is now, in the form that the ledger keeps. */
export function previousFile({ output, current }: OutputPlan): PreviousFile {
  return {
    path: output.path,
    bytes: current?.bytes.toString("base64") ?? null,
    mode: (current?.mode ?? 0) & 0o7777,
    uid: current?.uid ?? 0,
    gid: current?.gid ?? 0,
    inPlace: output.inPlace,
  };
}

/** The same, with what it takes to bring back our keys alone; `ours` are those that were in it because of us before. */
export function rememberFile(change: OutputPlan, ours: readonly string[]): PreviousFile {
  const { output, text, owned } = change;
  if (!output.merge || output.format.merge === undefined) return previousFile(change);
  return { ...previousFile(change), merged: { wrote: hashFile(Buffer.from(text)), keys: union(ours, owned) } };
}

/** The older ones know how each file was at first. */
export function joinFiles(older: readonly PreviousFile[], newer: readonly PreviousFile[]): PreviousFile[] {
  const known = new Set(older.map(({ path }) => path));
  const joined = older.map((file) =>
    joinFile(
      file,
      newer.find(({ path }) => path === file.path),
    ),
  );
  return [...joined, ...newer.filter(({ path }) => !known.has(path))];
}

function joinFile(older: PreviousFile, newer: PreviousFile | undefined): PreviousFile {
  if (older.merged === undefined || newer?.merged === undefined) return older;
  const { bytes } = newer;
  const isAsLeft = bytes === null || hashFile(Buffer.from(bytes, "base64")) === older.merged.wrote;
  const keys = union(older.merged.keys, newer.merged.keys);
  return { ...older, merged: { wrote: isAsLeft ? newer.merged.wrote : "", keys } };
}

export function hashFile(bytes: Buffer): string {
  return hash("sha256", bytes);
}

function union(some: readonly string[], others: readonly string[]): string[] {
  return [...new Set([...some, ...others])];
}

/** Brings files back as they were: bytes, owner and mode; what was not there is removed again. */
export async function restoreFiles(files: readonly PreviousFile[], { roots, journal }: Place): Promise<void> {
  const staged: Staged[] = [];
  try {
    for (const { path, bytes, merged: _, ...how } of files) {
      if (bytes === null) await removeFile(path, roots);
      else staged.push(await stageFile({ path, bytes: Buffer.from(bytes, "base64"), ...how, roots, journal }));
    }
    await commitFiles(staged);
  } catch (error) {
    await discardFiles(staged);
    throw error;
  }
}
