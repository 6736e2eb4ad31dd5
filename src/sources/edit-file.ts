import { ConfigSyncError } from "../errors.ts";
import { editConfigIni } from "../formats/ini/config-ini.ts";
import { commitFiles, discardFiles, readCurrent, stageFile } from "../platform/safe-write.ts";
import type { Edit } from "./source.ts";

export interface EditableFile {
  /** Absolute. */
  readonly path: string;
  /** As shown to people. */
  readonly name: string;
  /** Whether `$` has a meaning in its values. */
  readonly substitute: boolean;
  /** Where writes in place keep their journal. */
  readonly journal: string;
}

/**
 * Sets values in a config.ini and keeps every other byte, its owner and its mode. Throws SOURCE_MISSING, UNREPRESENTABLE with the
 * key, PARSE_FAILED or WRITE_FAILED; then nothing was changed.
 */
export async function editConfigFile(file: EditableFile, edits: readonly Edit[]): Promise<void> {
  const { path, name, substitute, journal } = file;
  const before = await readCurrent(path);
  if (before === undefined)
    throw new ConfigSyncError("SOURCE_MISSING", `${name} is not there`, { place: { file: name } });
  const literal = edits.map(({ path, value }) => ({
    path,
    value: substitute ? value?.replaceAll("$", "$$$$") : value,
  }));
  const text = editConfigIni(before.bytes.toString(), literal);
  // The settings say where it is; behind symlinks that can be anywhere.
  const staged = await stageFile({ path, bytes: Buffer.from(text), roots: ["/"], journal });
  try {
    await commitFiles([staged]);
  } catch (error) {
    await discardFiles([staged]);
    throw error;
  }
}
