import type { NewApp, TreeApp, TreeApps, TreeChanged, TreeState } from "../../../src/apps/tree-app.ts";
import type { JsonTree } from "../../../src/config/json.ts";
import { diffTrees } from "../../../src/config/json-tree.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";

/** Apps in memory that a test changes by hand. */
export interface FakeTrees extends TreeApps {
  readonly put: (name: string, data: JsonTree) => void;
  readonly end: (name: string) => void;
  /** How many watch an app at this moment. */
  readonly watching: (name: string) => number;
}

interface Fake {
  state: TreeState;
  readonly app: TreeApp;
  readonly watchers: Set<{ readonly tell: (changed: TreeChanged) => void; readonly end?: () => void }>;
}

export function createFakeTrees(first: Readonly<Record<string, JsonTree>> = {}): FakeTrees {
  const fakes = new Map<string, Fake>();

  const put = (name: string, data: JsonTree): void => {
    const fake = fakes.get(name) ?? add(name);
    const before = fake.state.data;
    fake.state = stateOf(data, fake.state.revision.number + 1);
    const changed = { ...fake.state, changes: diffTrees(before, data) };
    for (const { tell } of fake.watchers) tell(changed);
  };

  const end = (name: string): void => {
    const { watchers } = fakes.get(name) ?? { watchers: [] };
    fakes.delete(name);
    for (const { end } of watchers) end?.();
  };

  const add = (name: string): Fake => {
    const watchers: Fake["watchers"] = new Set();
    const app: TreeApp = {
      name,
      current: () => fakes.get(name)?.state ?? refuse(),
      isSecret: secretPaths([]),
      change: refuse,
      validate: async () => [],
      reload: async () => undefined,
      revisions: async () => [],
      at: async () => undefined,
      watch: (tell, end) => {
        const watcher = { tell, ...(end !== undefined && { end }) };
        watchers.add(watcher);
        return () => void watchers.delete(watcher);
      },
    };
    const fake = { state: stateOf({}, 0), app, watchers };
    fakes.set(name, fake);
    return fake;
  };

  for (const [name, data] of Object.entries(first)) put(name, data);
  return {
    names: () => [...fakes.keys()].sort(),
    get: (name) => fakes.get(name)?.app,
    create: async (name: string, { data }: NewApp) => {
      put(name, data);
      return (fakes.get(name) ?? refuse()).app;
    },
    remove: async (name) => end(name),
    put,
    end,
    watching: (name) => fakes.get(name)?.watchers.size ?? 0,
  };
}

function stateOf(data: JsonTree, number: number): TreeState {
  const revision = { number, parent: number - 1 || null, author: "test", at: 0, message: "", hash: `${number}` };
  return { data, schema: undefined, revision };
}

function refuse(): never {
  throw new ConfigSyncError("SOURCE_MISSING", "there is nothing to read yet");
}
