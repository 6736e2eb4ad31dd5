import { editConfigIni, removeSection } from "../formats/ini/config-ini.ts";
import type { Edit } from "./source.ts";

/**
 * Sets and removes values in the bytes of a config.ini and keeps every other byte; sections go first, so that one can be removed and
 * made anew at once. `substitute` says whether `$` has a meaning there. Throws UNREPRESENTABLE or PARSE_FAILED.
 */
export function editDocument(bytes: Buffer, edits: readonly Edit[], substitute: boolean): Buffer {
  const sections = edits.filter(({ path, value }) => path.length === 1 && value === undefined);
  const keys = edits.filter((edit) => !sections.includes(edit));
  let text = bytes.toString();
  for (const { path } of sections) text = removeSection(text, path[0] ?? "");
  const literal = keys.map(({ path, value }) => {
    return { path, value: substitute ? value?.replaceAll("$", "$$$$") : value };
  });
  return Buffer.from(literal.length === 0 ? text : editConfigIni(text, literal));
}
