/**
 * Files whose values are one tree, as JSON knows it: YAML, JSON, TOML and INI. What is changed is spliced into the text, and every
 * other byte stays: comments, order, spacing.
 */
import { isTree, type Json, type JsonTree, type TreeChange } from "../config/json.ts";
import { diffTrees, sameValue, valueAt } from "../config/json-tree.ts";
import { formatPath, type Path, parsePath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";

/** All functions are pure, and throw PARSE_FAILED with line and column, or UNREPRESENTABLE with the key. */
export interface TreeFile {
  readonly read: (text: string) => JsonTree;
  /** The text that says `after`. A map without keys is there or not as the format has it. */
  readonly edit: (text: string, after: JsonTree) => string;
}

/** What one format does; `changes` are of leaves, as `diffTrees` gives them. */
export interface TreeSyntax {
  readonly read: TreeFile["read"];
  /** The tree as this format takes it, where it writes some values as others. */
  readonly adapt?: (tree: JsonTree) => JsonTree;
  readonly splice: (text: string, changes: Changes) => string;
}

export interface Changes {
  /** What is added or becomes another value, in a tree of its own. */
  readonly wanted: JsonTree;
  readonly gone: readonly Path[];
  /** The maps that go with all their keys, outermost only. */
  readonly goneMaps: readonly Path[];
}

const syntaxes: Readonly<Record<string, () => Promise<TreeSyntax>>> = {
  ".json": async () => (await import("./tree-file/json.ts")).jsonTree,
  ".yaml": async () => (await import("./tree-file/yaml.ts")).yamlTree,
  ".yml": async () => (await import("./tree-file/yaml.ts")).yamlTree,
  ".toml": async () => (await import("./tree-file/toml.ts")).tomlTree,
  ".ini": async () => (await import("./tree-file/ini.ts")).iniTree,
};

export const treeFileEndings: readonly string[] = Object.keys(syntaxes);

/** The format by how the name of the file ends. Throws NOT_FOUND for one that is none of these. */
export async function loadTreeFile(name: string): Promise<TreeFile> {
  const ending = /\.[^./]+$/.exec(name)?.[0].toLowerCase() ?? "";
  const load = Object.hasOwn(syntaxes, ending) ? syntaxes[ending] : undefined;
  if (load !== undefined) return treeFileOf(await load());
  throw new ConfigSyncError("NOT_FOUND", `there is no format for ${name}`, {
    hint: `Files may end in ${treeFileEndings.join(", ")}`,
  });
}

function treeFileOf({ read, adapt = (tree) => tree, splice }: TreeSyntax): TreeFile {
  return {
    read,
    edit: (text, wanted) => {
      const before = read(text);
      const after = adapt(wanted);
      const changes = diffTrees(before, after);
      if (changes.length === 0) return text;
      const edited = splice(text, sortChanges(changes, before, after));
      requireSaid(after, read(edited));
      return edited;
    },
  };
}

function sortChanges(changes: readonly TreeChange[], before: JsonTree, after: JsonTree): Changes {
  const gone: Path[] = [];
  const goneMaps: Path[] = [];
  for (const { path: written, after: value } of changes.flatMap(keyByKey)) {
    if (value !== undefined) continue;
    const path = pathOf(written);
    gone.push(path);
    const map = path.slice(0, path.findIndex((_, index) => valueAt(after, path.slice(0, index + 1)) === undefined) + 1);
    // What becomes a value is none any more without being removed.
    const isInMap = isTree(valueAt(after, map.slice(0, -1)));
    if (isInMap && isTree(valueAt(before, map)) && !isLast(goneMaps, map)) goneMaps.push(map);
  }
  return { wanted: newIn(after, before), gone, goneMaps };
}

/** A map that becomes a value, or an empty one, goes key by key. */
function keyByKey(change: TreeChange): readonly TreeChange[] {
  const { path: written, before, after } = change;
  if (!isTree(before) || after === undefined) return [change];
  const path = pathOf(written);
  const gone = diffTrees(before, {}).map((one) => ({ ...one, path: formatPath([...path, ...pathOf(one.path)]) }));
  return [change, ...gone];
}

/** What was not there before, or was another value. */
function newIn(after: JsonTree, before: JsonTree): JsonTree {
  const members = Object.entries(after).flatMap(([key, now]): (readonly [string, Json])[] => {
    const then = Object.hasOwn(before, key) ? before[key] : undefined;
    if (sameValue(then, now)) return [];
    const isWithin = isTree(then) && isTree(now) && Object.keys(now).length > 0;
    return [[key, isWithin ? newIn(now, then) : now]];
  });
  return Object.fromEntries(members);
}

function pathOf(written: string): Path {
  return parsePath(written) ?? [written];
}

/** The leaves of one map stand side by side. */
function isLast(paths: readonly Path[], path: Path): boolean {
  return JSON.stringify(paths.at(-1)) === JSON.stringify(path);
}

/** Throws UNREPRESENTABLE where the file would say something else than was asked for. */
function requireSaid(wanted: JsonTree, said: JsonTree): void {
  const isNothing = (value: Json | undefined): boolean =>
    value === undefined || (isTree(value) && Object.values(value).every(isNothing));
  const broken = diffTrees(wanted, said).find(({ before, after }) => !isNothing(before) || !isNothing(after));
  if (broken === undefined) return;
  throw new ConfigSyncError("UNREPRESENTABLE", `the file cannot say ${broken.path} as it is asked for`, {
    key: broken.path,
    hint: "Choose another value, or change the file by hand",
  });
}
