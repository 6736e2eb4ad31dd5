/** All apps with a tree of values: `default`, which is somebody else's, and those whose documents stand in the history. */
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { oneAfterTheOther } from "./one-after-the-other.ts";
import { makeStoredTree, openStoredTree, type StoredTreeParts } from "./stored-tree.ts";
import { applyEdits, type Tree } from "./tree.ts";
import { appName, type TreeApp, type TreeApps } from "./tree-app.ts";
import { refuseMisfit } from "./tree-schema.ts";

/** More than anybody keeps by hand: all are held in memory. */
const mostApps = 10_000;

/**
 * `host` is the app `default`. The others are read from the history now; where it cannot be read, everybody who asks for them is told
 * so, and it is tried again.
 */
export async function openTrees(host: TreeApp, parts: StoredTreeParts): Promise<TreeApps> {
  const alone = oneAfterTheOther();
  let stored = new Map<string, Tree>();
  let trouble: ConfigSyncError | undefined;

  const load = async (): Promise<void> => {
    try {
      stored = await readAll(host.name, parts);
      trouble = undefined;
    } catch (error) {
      trouble = asConfigSyncError(error, "HISTORY_UNUSABLE");
    }
  };
  let isRetrying = false;
  const requireLoaded = (): void => {
    if (trouble === undefined) return;
    if (!isRetrying) void alone(load).finally(() => (isRetrying = false));
    isRetrying = true;
    throw trouble;
  };

  await load();
  return {
    names: () => [host.name, ...stored.keys()].sort(),
    get: (name) => {
      if (name === host.name) return host;
      requireLoaded();
      return stored.get(name);
    },
    create: (name, { data, schema }, by) =>
      alone(async () => {
        requireLoaded();
        requireName(name);
        if (name === host.name || stored.has(name)) throw exists(name);
        if (stored.size >= mostApps) throw new ConfigSyncError("TOO_LARGE", `there are ${mostApps} apps already`);
        const content = { data: applyEdits({}, [{ path: [], value: data }], parts.isSecret), schema };
        await refuseMisfit(content);
        const tree = await makeStoredTree(name, content, by, parts);
        stored.set(name, tree);
        return tree;
      }),
    remove: (name, by) =>
      alone(async () => {
        if (name === host.name) throw new ConfigSyncError("READ_ONLY", `the app "${name}" is always there`);
        requireLoaded();
        const tree = stored.get(name);
        if (tree === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no app "${name}"`);
        await tree.remove(by);
        stored.delete(name);
      }),
  };
}

async function readAll(host: string, parts: StoredTreeParts): Promise<Map<string, Tree>> {
  const found = new Map<string, Tree>();
  for (const name of await parts.history().apps()) {
    if (name === host || !appName.test(name)) continue;
    const tree = await openStoredTree(name, parts);
    if (tree !== undefined) found.set(name, tree);
  }
  return found;
}

function requireName(name: string): void {
  if (appName.test(name)) return;
  throw new ConfigSyncError("VALUE_INVALID", `${JSON.stringify(name).slice(0, 80)} cannot be the name of an app`, {
    hint: "1 to 64 letters, digits, - and _, beginning with a letter or a digit",
  });
}

function exists(name: string): ConfigSyncError {
  return new ConfigSyncError("EXISTS", `there is an app "${name}" already`, { hint: "Choose another name" });
}
