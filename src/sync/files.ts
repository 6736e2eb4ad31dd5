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

/** Brings files back as they were: bytes, owner and mode; what was not there is removed again. */
export async function restoreFiles(files: readonly PreviousFile[], { roots, journal }: Place): Promise<void> {
  const staged: Staged[] = [];
  try {
    for (const { path, bytes, ...how } of files) {
      if (bytes === null) await removeFile(path, roots);
      else staged.push(await stageFile({ path, bytes: Buffer.from(bytes, "base64"), ...how, roots, journal }));
    }
    await commitFiles(staged);
  } catch (error) {
    await discardFiles(staged);
    throw error;
  }
}
