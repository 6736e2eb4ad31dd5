/** Sealed values of a document: opened when it is read, made when it is edited. */
import { isAes256Value, openAes256Value } from "../config/aes256-value.ts";
import { givenSealed, holdsSealed, isSealed, type Key, keyIdOf, open, seal, unopened } from "../config/encryption.ts";
import { formatPath, type Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Field } from "../formats/format.ts";
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

/** Whether a text holds a value that is encrypted in either form: nothing that anybody could mean as it stands. */
export function isEncrypted(text: string): boolean {
  return holdsSealed(text) || isAes256Value(text);
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

/** How a document is read, as far as sealing goes. */
export interface DocumentDialect {
  /** What stands in it, as written. */
  readonly read: (text: string) => readonly Pick<Field, "path" | "value" | "start">[];
  /** A path as it is read back: config.ini knows keys in lower case only. */
  readonly spell: (path: Path) => Path;
  /** Whether what stands at a place of the text is of more than one section. */
  readonly isShared: (text: string) => (start: number) => boolean;
}

export interface EditedDocument {
  readonly text: string;
  readonly dialect: DocumentDialect;
  readonly sealing: Sealing;
  readonly secretPaths: PathTest;
}

/**
 * The edits with their secrets sealed. A value that is there already stays as it stands there, sealed or not: what nobody changes
 * makes no revision. Throws VALUE_INVALID for a secret that is given encrypted.
 */
export function sealEdits(edits: readonly Edit[], document: EditedDocument): readonly Edit[] {
  const { text, dialect, sealing, secretPaths } = document;
  const { app, keys: readKeys } = sealing;
  if (readKeys === undefined) return edits;
  let read: readonly Key[] | undefined;
  const present = new Map(dialect.read(text).map(({ path, value }) => [formatPath(path), value]));
  return edits.map((edit) => {
    const path = dialect.spell(edit.path);
    const now = present.get(formatPath(path));
    const wasSealed = now !== undefined && isSealed(now);
    if (!edit.value || edit.value === now || !(wasSealed || secretPaths(path))) return edit;
    if (isEncrypted(edit.value)) throw givenSealed(path);
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
export function findSealable(document: EditedDocument, which: Sealable): readonly Edit[] {
  const { text, dialect, sealing, secretPaths } = document;
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
  const meant = dialect.read(text).filter(({ path, value }) => isMeant(path, value));
  const isShared = dialect.isShared(text);
  return meant.map(({ path, value, start }) => {
    if (isShared(start)) throw inDefaults(path);
    return { path, value: seal(openValue(value, path, sealing, keys) ?? value, first, { app, path }) };
  });
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
