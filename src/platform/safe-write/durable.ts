import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { failure } from "./failure.ts";
import { createStaging } from "./staging.ts";
import { syncFolder } from "./sync.ts";

/**
 * Writes a file of our own (state, journal): after this call it is on disk as a whole, mode 0600, and a crash in between
 * leaves the old one. The folder must exist and must be ours: no symlink is followed and no owner kept. Throws WRITE_FAILED.
 */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  try {
    const staging = await createStaging(folder, typeof bytes === "string" ? Buffer.from(bytes) : bytes, undefined);
    try {
      renameSync(staging, path);
    } catch (error) {
      rmSync(staging, { force: true });
      throw error;
    }
    await syncFolder(folder);
  } catch (error) {
    throw failure("write", path, error);
  }
}
