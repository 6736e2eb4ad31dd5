/**
 * The secrets of a tree as its documents hold them: `enc:v1:…` in the place of each, over its JSON, so that a number comes back as a
 * number and no text can be taken for one. Bound to app and path. Pure but for the nonce and the reading of keys.
 */
import { givenSealed, isSealed, type Key, keyIdOf, open, seal, unopened } from "../config/encryption.ts";
import { isTree, type Json, type JsonTree } from "../config/json.ts";
import { mapMembers, sameValue } from "../config/json-tree.ts";
import { formatPath, type Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { maskUrls } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Sealable } from "../sources/source.ts";

/** One tree, as it stands in a document and as it is meant. The same object where nothing is sealed. */
export interface SealedTree {
  readonly written: JsonTree;
  readonly data: JsonTree;
}

export interface TreeSealing {
  /** The name of the app, which values are bound to. */
  readonly app: string;
  /** The first seals, all open. Undefined where nothing is sealed. Throws KEY_UNUSABLE. */
  readonly keys?: (() => readonly Key[] | undefined) | undefined;
}

/** Throws SOURCE_INVALID with app and key for a value that cannot be opened, KEY_UNUSABLE. */
export function unsealTree(written: JsonTree, { app, keys: readKeys }: TreeSealing): SealedTree {
  let keys: readonly Key[] | undefined;
  const unseal = (value: Json, at: Path): Json => {
    if (typeof value === "string" && isSealed(value)) {
      keys ??= readKeys?.() ?? [];
      return parse(open(value, keys, { app, path: at }), at);
    }
    if (isTree(value)) return mapMembers(value, (key, inner) => unseal(inner, [...at, key]));
    return Array.isArray(value) ? mapItems(value, (item, index) => unseal(item, [...at, `${index}`])) : value;
  };
  const parse = (text: string, path: Path): Json => {
    try {
      return JSON.parse(text) as Json;
    } catch {
      throw unopened({ app, path }, "holds what was sealed for a document of another kind", "Write the value anew");
    }
  };
  try {
    return { written, data: mapMembers(written, (key, inner) => unseal(inner, [key])) };
  } catch (error) {
    throw error instanceof ConfigSyncError ? ofApp(error, app) : error;
  }
}

/**
 * The tree with its secrets sealed, and passwords in URLs as well. What is not another value than before stays as it stood, sealed or
 * not; `isSame`: what is secret is known by the same rules as then. Throws VALUE_INVALID for a text in the form of a sealed value: as
 * it is bound to a place, it is nothing that anybody could mean. UNREPRESENTABLE, KEY_UNUSABLE.
 */
export function sealTree(
  data: JsonTree,
  before: (SealedTree & { readonly isSame: boolean }) | undefined,
  isSecret: PathTest,
  sealing: TreeSealing,
): JsonTree {
  const sealLeaf = leafSealer(sealing);
  const close = (value: Json, was: Was | undefined, at: Path, inSecret: boolean): Json => {
    if (was !== undefined && was.data === value && before?.isSame === true) return was.written;
    const secret = inSecret || isSecret(at);
    if (isTree(value)) return mapMembers(value, (key, inner) => close(inner, memberOf(was, key), [...at, key], secret));
    if (isSealedText(value)) throw givenSealed(at);
    if (was !== undefined && isSealedText(was.written) && sameValue(was.data, value)) return was.written;
    if (isHidden(value, secret)) return sealLeaf(refuseSealed(value, at), at);
    if (!Array.isArray(value)) return value;
    return mapItems(value, (item, index) => close(item, itemOf(was, index), [...at, `${index}`], false));
  };
  return mapMembers(data, (key, inner) => close(inner, before && memberOf(before, key), [key], false));
}

export interface Resealed {
  readonly written: JsonTree;
  /** The written paths of what was sealed. */
  readonly keys: readonly string[];
}

/** The same values, those that are meant sealed with the first key. Throws KEY_UNUSABLE where there is none, UNREPRESENTABLE. */
export function resealTree(tree: SealedTree, which: Sealable, isSecret: PathTest, sealing: TreeSealing): Resealed {
  const [first] = sealing.keys?.() ?? [];
  if (first === undefined) throw noKey();
  const keys: string[] = [];
  const sealLeaf = leafSealer(sealing);
  const isMeant = ({ data, written }: Was, secret: boolean): boolean => {
    if (which === "clear") return !isSealedText(written) && isHidden(data, secret);
    return which === "old" && isSealedText(written) && keyIdOf(written) !== first.id;
  };
  const close = (was: Was, at: Path, inSecret: boolean): Json => {
    const { data, written } = was;
    const secret = inSecret || isSecret(at);
    if (isTree(data) && isTree(written))
      return mapMembers(written, (key) => close(memberOf(was, key) ?? nowhere(at), [...at, key], secret));
    if (isMeant(was, secret)) {
      keys.push(formatPath(at));
      return sealLeaf(data, at);
    }
    if (!Array.isArray(written)) return written;
    return mapItems(written, (_, index) => close(itemOf(was, index) ?? nowhere(at), [...at, `${index}`], false));
  };
  const written = mapMembers(tree.written, (key) => close(memberOf(tree, key) ?? nowhere([]), [key], false));
  return { written, keys };
}

/** A value as it stands, and as it is meant. */
interface Was {
  readonly written: Json;
  readonly data: Json;
}

function memberOf({ written, data }: Was | SealedTree = { written: null, data: null }, key: string): Was | undefined {
  if (!isTree(written) || !isTree(data) || !Object.hasOwn(written, key) || !Object.hasOwn(data, key)) return undefined;
  const [stands, means] = [written[key], data[key]];
  return stands === undefined || means === undefined ? undefined : { written: stands, data: means };
}

function itemOf({ written, data }: Was = { written: null, data: null }, index: number): Was | undefined {
  if (!Array.isArray(written) || !Array.isArray(data) || index >= written.length) return undefined;
  return { written: written[index], data: data[index] };
}

/** What is written and what it means have the same keys, as one is made of the other. */
function nowhere(at: Path): never {
  throw new Error(`${formatPath(at)} is not the same tree`);
}

/** The list itself where every item stays what it is. */
function mapItems(items: readonly Json[], make: (item: Json, index: number) => Json): readonly Json[] {
  const made = items.map(make);
  return made.every((item, index) => item === items[index]) ? items : made;
}

/** Keys are read with the first secret, so that what has none can be changed where they cannot be. */
function leafSealer({ app, keys: readKeys }: TreeSealing): (value: Json, at: Path) => Json {
  let read: { readonly first: Key | undefined } | undefined;
  return (value, path) => {
    read ??= { first: readKeys?.()?.[0] };
    return read.first === undefined ? value : seal(JSON.stringify(value), read.first, { app, path });
  };
}

/** An empty text and null hide nothing. */
function isHidden(value: Json, secret: boolean): boolean {
  if (value === "" || value === null) return false;
  return secret || (typeof value === "string" && value.includes("://") && maskUrls(value) !== value);
}

function isSealedText(value: Json): value is string {
  return typeof value === "string" && isSealed(value);
}

/** A list that is secret is sealed as one, with all that is in it. */
function refuseSealed(value: Json, at: Path): Json {
  if (isSealedText(value)) throw givenSealed(at);
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) refuseSealed(inner, at);
  return value;
}

function noKey(): ConfigSyncError {
  return new ConfigSyncError("KEY_UNUSABLE", "no key is set that values could be sealed with", {
    hint: "Name a file under encryption.key_file in config-sync.yaml, or with --key-file for config-sync server",
  });
}

function ofApp({ code, message, key, hint, cause, retryable }: ConfigSyncError, app: string): ConfigSyncError {
  return new ConfigSyncError(code, `the app "${app}" cannot be read: ${message}`, { key, hint, cause, retryable });
}
