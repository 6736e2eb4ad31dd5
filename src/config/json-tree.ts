/**
 * Reading and changing a tree of values. A tree that is there is never changed: what is new shares with it all that stayed. Only own
 * properties count, so that `constructor` is a key like any other; `__proto__` is none (`checkValue`).
 */
import { ConfigSyncError } from "../errors.ts";
import { isTree, type Json, type JsonTree, type TreeChange } from "./json.ts";
import { formatPath, type Path } from "./path.ts";

/** Undefined where nothing is there. Items of lists have no path of their own. */
export function valueAt(tree: JsonTree, path: Path): Json | undefined {
  let value: Json | undefined = tree;
  for (const key of path) value = isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** Maps on the way are made. Throws VALUE_INVALID where something else than a map is in the way, or would be the whole tree. */
export function withValue(tree: JsonTree, path: Path, value: Json): JsonTree {
  const [key, ...rest] = path;
  if (key === undefined) {
    if (isTree(value)) return value;
    throw new ConfigSyncError("VALUE_INVALID", "the whole configuration is a map of keys, and nothing else");
  }
  if (rest.length === 0) return { ...tree, [key]: value };
  const inner = Object.hasOwn(tree, key) ? tree[key] : {};
  if (isTree(inner)) return { ...tree, [key]: inside(key, () => withValue(inner, rest, value)) };
  throw inTheWay(key);
}

/** The tree with null at all these paths, of which none is inside another. Each map on the way is copied once. */
export function withNulls(tree: JsonTree, paths: readonly Path[]): JsonTree {
  const members = [...Map.groupBy(paths, ([key = ""]) => key)].map(([key, below]): readonly [string, Json] => {
    const inner = valueAt(tree, [key]);
    const rest = below.map((path) => path.slice(1));
    return [key, rest.some(({ length }) => length === 0) ? null : withNulls(isTree(inner) ? inner : {}, rest)];
  });
  return { ...tree, ...Object.fromEntries(members) };
}

/** Undefined where there is nothing to remove. The maps around it stay, be they empty. */
export function withoutValue(tree: JsonTree, path: Path): JsonTree | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return {};
  if (!Object.hasOwn(tree, key)) return undefined;
  const { [key]: inner, ...others } = tree;
  if (rest.length === 0) return others;
  const left = isTree(inner) ? withoutValue(inner, rest) : undefined;
  return left && { ...tree, [key]: left };
}

/** Maps are merged key by key; all else takes the place of what is there. */
export function mergeValues(into: Json | undefined, value: Json): Json {
  if (!isTree(into) || !isTree(value)) return value;
  const merged = Object.entries(value).map(([key, inner]) => {
    return [key, mergeValues(Object.hasOwn(into, key) ? into[key] : undefined, inner)] as const;
  });
  return { ...into, ...Object.fromEntries(merged) };
}

export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item: Json, index) => sameValue(item, b[index]));
  if (!isTree(a) || !isTree(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
  );
}

/** The tree itself where every member stays what it is. */
export function mapMembers(tree: JsonTree, make: (key: string, inner: Json) => Json): JsonTree {
  let isSame = true;
  const members = Object.entries(tree).map(([key, inner]) => {
    const made = make(key, inner);
    isSame &&= made === inner;
    return [key, made] as const;
  });
  return isSame ? tree : Object.fromEntries(members);
}

/** What is different in `after`, in its order; of each map, what was removed comes last. */
export function diffTrees(before: JsonTree, after: JsonTree): TreeChange[] {
  const changes: TreeChange[] = [];
  compare(before, after, [], changes);
  return changes;
}

function compare(before: JsonTree, after: JsonTree, at: Path, changes: TreeChange[]): void {
  if (before === after) return;
  for (const [key, now] of Object.entries(after)) {
    const then = Object.hasOwn(before, key) ? before[key] : undefined;
    if (then === now) continue;
    const path = [...at, key];
    if (then === undefined) list("added", now, path, changes);
    else if (isTree(then) && isTree(now) && !isEmpty(then) && !isEmpty(now)) compare(then, now, path, changes);
    else if (!sameValue(then, now)) changes.push({ path: formatPath(path), kind: "changed", before: then, after: now });
  }
  for (const [key, then] of Object.entries(before)) {
    if (!Object.hasOwn(after, key)) list("removed", then, [...at, key], changes);
  }
}

function list(kind: "added" | "removed", value: Json, at: Path, changes: TreeChange[]): void {
  if (isTree(value) && !isEmpty(value)) {
    for (const [key, inner] of Object.entries(value)) list(kind, inner, [...at, key], changes);
    return;
  }
  changes.push({ path: formatPath(at), kind, [kind === "added" ? "after" : "before"]: value });
}

function isEmpty(tree: JsonTree): boolean {
  for (const _ in tree) return false;
  return true;
}

/** Levels of maps and lists in each other. */
export const deepest = 100;
/** Characters of a key. */
const longestKey = 500;

/** Whether there are more levels than that in it; looks no deeper. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}

/** Throws VALUE_INVALID with the key for what no tree takes: too deep, a key that is none, a number or text that would not come back. */
export function checkValue(value: Json, at: Path): void {
  for (const key of at) checkKey(key, at);
  checkInside(value, at);
}

function checkInside(value: Json, at: Path): void {
  if (at.length > deepest) throw invalid(at.slice(0, 3), `is nested deeper than ${deepest} levels`);
  if (typeof value === "number" && !Number.isFinite(value)) throw invalid(at, "is a number that is too large");
  if (typeof value === "string" && !value.isWellFormed()) throw invalid(at, "is no well-formed text");
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const path = [...at, key];
    if (isTree(value)) checkKey(key, path);
    checkInside(inner, path);
  }
}

function checkKey(key: string, path: Path): void {
  if (key === "__proto__") throw invalid(path, "cannot be a key");
  if (!key.isWellFormed()) throw invalid(path, "has a name that is no well-formed text");
  if (key.length > longestKey) throw invalid([`${key.slice(0, 20)}…`], `is longer than ${longestKey} characters`);
}

function invalid(path: Path, why: string): ConfigSyncError {
  const key = formatPath(path);
  return new ConfigSyncError("VALUE_INVALID", `${key === "" ? "the value" : key} ${why}`, { key });
}

function inTheWay(key: string): ConfigSyncError {
  const written = formatPath([key]);
  return new ConfigSyncError("VALUE_INVALID", `${written} holds a value, and no map with keys`, {
    key: written,
    hint: "Remove it first, or choose another path",
  });
}

/** Runs it, with the whole path in what it throws. */
function inside<Result>(key: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigSyncError) || error.key === undefined) throw error;
    const path = `${formatPath([key])}.${error.key}`;
    throw new ConfigSyncError(error.code, error.message.replace(error.key, path), { hint: error.hint, key: path });
  }
}
