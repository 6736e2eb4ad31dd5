import { formatPath } from "../config/path.ts";
import { type ConfigEdit, editConfigIni, removeSection } from "../formats/ini/config-ini.ts";
import { type EditedDocument, findSealable, sealEdits } from "./sealed.ts";
import type { Edit, Sealable, SealedDocument } from "./source.ts";

/**
 * Sets and removes values in the bytes of a config.ini and keeps every other byte; sections go first, so that one can be removed and
 * made anew at once. Throws UNREPRESENTABLE, PARSE_FAILED or KEY_UNUSABLE.
 */
export function editDocument(bytes: Buffer, edits: readonly Edit[], { substitute, ...sealed }: EditOptions): Buffer {
  const sections = edits.filter(({ path, value }) => path.length === 1 && value === undefined);
  const keys = edits.filter((edit) => !sections.includes(edit));
  let text = bytes.toString();
  const written = keys.map(({ path, value, asWritten = false }) => {
    return { path, value: substitute && !asWritten ? value?.replaceAll("$", "$$$$") : value };
  });
  const literal = sealEdits(written, { ...sealed, text });
  for (const { path } of sections) text = removeSection(text, path[0] ?? "");
  return Buffer.from(literal.length === 0 ? text : editConfigIni(text, literal.map(toConfigEdit)));
}

export interface EditOptions extends Omit<EditedDocument, "text"> {
  /** Whether `$` has a meaning there. */
  readonly substitute: boolean;
}

/** Seals what is meant, and keeps every other byte. Throws KEY_UNUSABLE, UNREPRESENTABLE. */
export function sealDocument(bytes: Buffer, which: Sealable, how: Omit<EditedDocument, "text">): SealedDocument {
  const text = bytes.toString();
  const edits = findSealable({ ...how, text }, which);
  const sealed = edits.length === 0 ? bytes : Buffer.from(editConfigIni(text, edits.map(toConfigEdit)));
  return { bytes: sealed, keys: edits.map(({ path }) => formatPath(path)) };
}

function toConfigEdit({ path, value }: Edit): ConfigEdit {
  return { path, value };
}
