/** Sealed values of a config.ini: opened when it is read, made when it is edited. */
import { isAes256Value, openAes256Value } from "../config/aes256-value.ts";
import { holdsSealed, isSealed, type Key, keyIdOf, open, seal, unopened } from "../config/encryption.ts";
import { formatPath, type Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { ConfigSyncError } from "../errors.ts";
import { readConfigIni } from "../formats/ini/config-ini.ts";
import type { Edit, Sealable } from "./source.ts";

/** What values are sealed and opened with. */
export interface Sealing {
  /** The name of the app, which values are bound to. */
  readonly app: string;
  /** The first seals, all open. Undefined where values are not sealed. Throws KEY_UNUSABLE. */
  readonly keys?: (() => readonly Key[]) | undefined;
  /** For the `AES256:` values of Websoft9. Throws KEY_UNUSABLE. */
  readonly aes256Key?: (() => Buffer) | undefined;
}

/** The text behind a value; undefined for one in clear. Throws SOURCE_INVALID with the key, KEY_UNUSABLE. */
export function openValue(text: string, path: Path, { app, aes256Key }: Sealing, keys: readonly Key[]) {
  const seat = { app, path };
  if (isSealed(text)) return open(text, keys, seat);
  if (isAes256Value(text)) return openAes256Value(text, aes256Key?.(), seat);
  if (!holdsSealed(text)) return undefined;
  // By %(name)s, say: what would be used is not the secret.
  throw unopened(seat, "takes in a sealed value, which can only stand alone", "Write the value itself");
}

export interface EditedDocument {
  readonly text: string;
  readonly sealing: Sealing;
  readonly secretPaths: PathTest;
}

/**
 * The edits with their secrets sealed. A value that is there already stays as it stands there, sealed or not: what nobody changes
 * makes no revision.
 */
export function sealEdits(edits: readonly Edit[], { text, sealing, secretPaths }: EditedDocument): readonly Edit[] {
  const { app, keys: readKeys } = sealing;
  if (readKeys === undefined) return edits;
  let read: readonly Key[] | undefined;
  const present = new Map(readConfigIni(text).map(({ path, value }) => [formatPath(path), value]));
  return edits.map((edit) => {
    const [section = "", name = ""] = edit.path;
    // As the file is read: keys are lower-case there.
    const path = [section, name.toLowerCase()];
    const now = present.get(formatPath(path));
    const wasSealed = now !== undefined && isSealed(now);
    if (!edit.value || edit.value === now || !(wasSealed || secretPaths(path))) return edit;
    read ??= readKeys();
    const keys = read;
    if (wasSealed && open(now, keys, { app, path }) === edit.value) return { ...edit, value: now };
    return { ...edit, value: seal(edit.value, firstOf(keys), { app, path }) };
  });
}

/**
 * What of a document is to be sealed: its secrets in clear, what was sealed with another key than the first, or the `AES256:` values.
 * Throws UNREPRESENTABLE for a value that stands in [DEFAULT], as it belongs to no one section.
 */
export function findSealable({ text, sealing, secretPaths }: EditedDocument, which: Sealable): readonly Edit[] {
  const { app } = sealing;
  if (sealing.keys === undefined) {
    const hint =
      "Name a file under encryption.key_file in config-sync.yaml, make it with config-sync secrets keygen, and send a running daemon SIGHUP";
    throw new ConfigSyncError("KEY_UNUSABLE", "no key is set that values could be sealed with", { hint });
  }
  const keys = sealing.keys();
  const first = firstOf(keys);
  const isMeant = (path: Path, value: string): boolean => {
    if (which === "aes256") return isAes256Value(value);
    if (which === "old") return isSealed(value) && keyIdOf(value) !== first.id;
    return value !== "" && !isSealed(value) && !isAes256Value(value) && secretPaths(path);
  };
  const meant = readConfigIni(text).filter(({ path, value }) => isMeant(path, value));
  const defaults = findDefaults(text);
  return meant.map(({ path, value, start }) => {
    if (defaults(start)) throw inDefaults(path);
    return { path, value: seal(openValue(value, path, sealing, keys) ?? value, first, { app, path }) };
  });
}

/** Whether a place of the text is in [DEFAULT]. */
function findDefaults(text: string): (start: number) => boolean {
  if (!text.includes("[DEFAULT]")) return () => false;
  const headers = [...text.matchAll(/(?:^|(?<=[\r\n\uFEFF]))\s*\[([^\r\n]+)\]/g)];
  return (start) => headers.findLast(({ index }) => index < start)?.[1] === "DEFAULT";
}

function inDefaults(path: Path): ConfigSyncError {
  const key = formatPath(path);
  return new ConfigSyncError("UNREPRESENTABLE", `${key} stands in [DEFAULT], and a sealed value is of one section`, {
    key,
    hint: "Move it into the section, or sections, that use it",
  });
}

function firstOf([first]: readonly Key[]): Key {
  if (first === undefined) throw new Error("a list of keys is never empty");
  return first;
}
