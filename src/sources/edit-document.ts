import { formatPath } from "../config/path.ts";
import { type ConfigEdit, editConfigIni, readConfigIni, removeSection } from "../formats/ini/config-ini.ts";
import { type DocumentDialect, type EditedDocument, findSealable, sealEdits } from "./sealed.ts";
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
  const literal = sealEdits(written, { ...sealed, dialect, text });
  for (const { path } of sections) text = removeSection(text, path[0] ?? "");
  return Buffer.from(literal.length === 0 ? text : editConfigIni(text, literal.map(toConfigEdit)));
}

type Context = Omit<EditedDocument, "text" | "dialect">;

export interface EditOptions extends Context {
  /** Whether `$` has a meaning there. */
  readonly substitute: boolean;
}

/** Seals what is meant, and keeps every other byte. Throws KEY_UNUSABLE, UNREPRESENTABLE. */
export function sealDocument(bytes: Buffer, which: Sealable, how: Context): SealedDocument {
  const text = bytes.toString();
  const edits = findSealable({ ...how, dialect, text }, which);
  const sealed = edits.length === 0 ? bytes : Buffer.from(editConfigIni(text, edits.map(toConfigEdit)));
  return { bytes: sealed, keys: edits.map(({ path }) => formatPath(path)) };
}

function toConfigEdit({ path, value }: Edit): ConfigEdit {
  return { path, value };
}

const dialect: DocumentDialect = {
  read: readConfigIni,
  spell: ([section = "", name = ""]) => [section, name.toLowerCase()],
  isShared: findDefaults,
};

/** Whether a place of the text is in [DEFAULT]. */
function findDefaults(text: string): (start: number) => boolean {
  if (!text.includes("[DEFAULT]")) return () => false;
  const headers = [...text.matchAll(/(?:^|(?<=[\r\n\uFEFF]))\s*\[([^\r\n]+)\]/g)];
  return (start) => headers.findLast(({ index }) => index < start)?.[1] === "DEFAULT";
}
