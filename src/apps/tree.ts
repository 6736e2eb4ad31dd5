/**
 * An app with a tree of values over a store that keeps its documents. Changes come one after the other: on the revision that was
 * looked at, checked, durable; then everybody who watches is told. Whatever throws has changed nothing.
 */
import type { JsonTree, TreeChange } from "../config/json.ts";
import {
  checkValue,
  diffTrees,
  mergeValues,
  sameValue,
  valueAt,
  withoutValue,
  withValue,
} from "../config/json-tree.ts";
import { keepMasked } from "../config/masked-tree.ts";
import { formatPath, type Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { History, RevisionInfo } from "../history/history.ts";
import type { Sealable, Signature } from "./change.ts";
import { oneAfterTheOther } from "./one-after-the-other.ts";
import type { TreeApp, TreeChangeRequest, TreeEdit, TreeState } from "./tree-app.ts";
import { refuseMisfit, whatMisfits } from "./tree-schema.ts";
import { secretIn } from "./tree-secrets.ts";

/** What documents say, without the revision that they are. */
export type TreeContent = Pick<TreeState, "data" | "schema">;

/** Where the documents of an app are kept. */
export interface TreeStore {
  /** The newest; what somebody changed beside us is recorded. Undefined where the app is not there any more. */
  readonly read: () => Promise<TreeState | undefined>;
  /** Whether somebody else changed it since it was read, as far as that can be told at once. */
  readonly isStale?: () => boolean;
  /** Durable when it resolves; where the documents would say the same, `before`. What there is when it throws is read again. */
  readonly write: (before: TreeState | undefined, after: TreeContent, by: Signature) => Promise<TreeState>;
  /** The same values, sealed in the documents. Durable when it resolves; where there was nothing to seal, `before`. */
  readonly seal: (
    before: TreeState,
    which: Sealable,
    by: Signature,
  ) => Promise<{ readonly state: TreeState; readonly keys: readonly string[] }>;
  /** Takes the app away, whatever it says. */
  readonly remove: (by: Signature) => Promise<void>;
  readonly revisions: (page: Parameters<History["list"]>[1]) => Promise<RevisionInfo[]>;
  readonly at: (revision: number) => Promise<TreeState | undefined>;
}

/** An app for whoever keeps the list of them. */
export interface Tree extends TreeApp {
  readonly remove: (by: Signature) => Promise<void>;
}

export interface TreeOptions {
  readonly name: string;
  readonly store: TreeStore;
  readonly isSecret: PathTest;
  /** Undefined where nothing good has been read yet: the first `reload` does that. */
  readonly first?: TreeState | undefined;
  /** Why not. */
  readonly trouble?: ConfigSyncError | undefined;
}

export function createTree({ name, store, isSecret: isSecretName, first, trouble: initial }: TreeOptions): Tree {
  const alone = oneAfterTheOther();
  const watchers = createTreeWatchers();
  let state = first;
  let trouble = initial;
  let isRetrying = false;

  const current = (): TreeState => {
    if (state !== undefined) return state;
    if (trouble !== undefined) retryInBackground();
    throw trouble ?? new ConfigSyncError("NOT_FOUND", `there is no app "${name}"`);
  };
  const isSecret: PathTest = (path) => secretIn(state?.schema, isSecretName)(path);

  const take = (after: TreeState): readonly TreeChange[] => {
    const changes = diffTrees(state?.data ?? {}, after.data);
    const isNews = after.revision.number !== state?.revision.number;
    state = after;
    if (isNews) watchers.tell({ ...after, changes });
    return changes;
  };

  const reload = async (): Promise<void> => {
    try {
      const found = await store.read();
      trouble = undefined;
      if (found !== undefined) take(found);
    } catch (error) {
      trouble = asConfigSyncError(error);
      throw trouble;
    }
  };

  /** Whatever got how far, as the revision without the file, say: what is there now is what counts. */
  const takeWhatIs = async (error: unknown): Promise<never> => {
    const found = await store.read().catch(() => undefined);
    if (found !== undefined) take(found);
    throw error;
  };

  const isToBeRead = (): boolean => (state === undefined ? trouble !== undefined : store.isStale?.() === true);

  const retryInBackground = (): void => {
    if (isRetrying) return;
    isRetrying = true;
    const done = (): void => {
      isRetrying = false;
    };
    alone(reload).then(done, done);
  };

  const seal: NonNullable<TreeApp["seal"]> = async ({ which, ...signature }) => {
    if (isToBeRead()) await reload();
    const before = current();
    requireExpected(signature, before.revision);
    const { state: sealed, keys } = await store.seal(before, which, signature).catch(takeWhatIs);
    take(sealed);
    return { revision: sealed.revision, keys };
  };

  const change: TreeApp["change"] = async ({ edits, schema, permit, ...signature }) => {
    if (isToBeRead()) await reload();
    const before = current();
    requireExpected(signature, before.revision);
    const data = applyEdits(before.data, edits, isSecret);
    const changes = diffTrees(before.data, data);
    permit?.(changes);
    const after = { data, schema: schema === undefined ? before.schema : (schema ?? undefined) };
    if (changes.length === 0 && sameValue(before.schema, after.schema)) return { ...before, changes };
    await refuseMisfit(after);
    const written = await store.write(before, after, signature).catch(takeWhatIs);
    return { ...written, changes: take(written) };
  };

  return {
    name,
    current,
    isSecret,
    change: (request: TreeChangeRequest) => alone(() => change(request)),
    seal: (request) => alone(() => seal(request)),
    validate: async (data) => {
      const { data: present, schema } = current();
      if (data === undefined) return trouble === undefined ? whatMisfits({ data: present, schema }) : [trouble];
      try {
        return await whatMisfits({ data: applyEdits(present, [{ path: [], value: data }], isSecret), schema });
      } catch (error) {
        return [asConfigSyncError(error)];
      }
    },
    reload: () => alone(reload),
    revisions: store.revisions,
    at: store.at,
    watch: watchers.watch,
    remove: (by) =>
      alone(async () => {
        if (by.expected !== undefined) requireExpected(by, current().revision);
        await store.remove(by);
        state = undefined;
        trouble = undefined;
        watchers.end();
      }),
  };
}

/** Throws REVISION_MOVED for a change that was made on another revision. */
function requireExpected({ expected }: Signature, { number }: RevisionInfo): void {
  if (expected === undefined || expected === number) return;
  throw new ConfigSyncError("REVISION_MOVED", `the newest revision is ${number}, not ${expected}`, {
    hint: "Look at what changed and repeat the change on it",
  });
}

/** The tree after the edits. Throws VALUE_INVALID and NOT_FOUND, with the key. */
export function applyEdits(data: JsonTree, edits: readonly TreeEdit[], isSecret: PathTest): JsonTree {
  return edits.reduce((tree, edit) => applyEdit(tree, edit, isSecret), data);
}

function applyEdit(tree: JsonTree, { path, value: given, merge = false }: TreeEdit, isSecret: PathTest): JsonTree {
  if (given === undefined) return withoutValue(tree, path) ?? missing(path);
  const present = valueAt(tree, path);
  const value = keepMasked(given, present, path, isSecret);
  checkValue(value, path);
  const next = merge ? mergeValues(present, value) : value;
  return withValue(tree, path, sameValue(present, next) && present !== undefined ? present : next);
}

function missing(path: Path): never {
  const key = formatPath(path);
  throw new ConfigSyncError("NOT_FOUND", `there is no ${key}`, { key, hint: "Look at the keys that are there" });
}

/** Those who are told of changes, each in order. */
export function createTreeWatchers() {
  type Watcher = Parameters<TreeApp["watch"]>;
  const watchers = new Set<{ readonly tell: Watcher[0]; readonly end: Watcher[1] }>();
  const watch: TreeApp["watch"] = (tell, end) => {
    const watcher = { tell, end };
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  };
  return {
    watch,
    tell: (changed: Parameters<Watcher[0]>[0]): void => {
      for (const { tell } of watchers) tell(changed);
    },
    end: (): void => {
      for (const { end } of watchers) end?.();
      watchers.clear();
    },
  };
}
