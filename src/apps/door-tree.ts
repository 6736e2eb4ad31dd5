/** The host's own configuration (config.ini, system.ini) as a tree: sections of keys, and every value a text. */
import type { Change } from "../config/diff.ts";
import { isTree, type Json, type JsonTree, type TreeChange } from "../config/json.ts";
import { diffTrees, sameValue, valueAt } from "../config/json-tree.ts";
import type { Snapshot } from "../config/layers.ts";
import { keepMasked } from "../config/masked-tree.ts";
import { formatPath, type Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { reveal, Secret } from "../config/secret.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { RevisionInfo } from "../history/history.ts";
import type { ChangeRequest, Edit } from "./change.ts";
import type { HostApp } from "./host-app.ts";
import { oneAfterTheOther } from "./one-after-the-other.ts";
import { createTreeWatchers } from "./tree.ts";
import type { TreeApp, TreeChangeRequest, TreeEdit, TreeState } from "./tree-app.ts";
import { infoOf } from "./tree-documents.ts";

/** What it takes of whoever has the door. */
export interface HostParts extends HostApp {
  /** Throws what stands against it, and changes nothing. */
  readonly rehearse: (request: ChangeRequest) => Promise<unknown>;
  readonly isSecret: PathTest;
  readonly lookAgain: () => Promise<void>;
  /** Calls the listener whenever `current` may be another. */
  readonly listen: (listener: () => void) => void;
}

export function createDoorTree(host: HostParts): TreeApp {
  const alone = oneAfterTheOther();
  const watchers = createTreeWatchers();

  const current = (): TreeState => {
    const { snapshot, head, problems } = host.current();
    if (snapshot !== undefined && head !== undefined) return stateOf(snapshot, head);
    throw problems[0] ?? new ConfigSyncError("SOURCE_MISSING", "the sources have not been read yet");
  };
  const isSecret: PathTest = (path) => {
    const value = host.current().snapshot?.entries.get(formatPath(path))?.value;
    return value instanceof Secret || (path.length > 1 && host.isSecret(path));
  };

  /** Made on a revision, so that nothing comes in between that these edits do not know of. */
  const attempt = async ({ edits, permit, ...signature }: TreeChangeRequest) => {
    const before = current();
    const request = {
      ...signature,
      expected: signature.expected ?? before.revision.number,
      edits: edits.flatMap((edit) => doorEdits(edit, { data: before.data, isSecret, isWritable: host.isWritable })),
    };
    if (request.edits.length === 0 && request.expected === before.revision.number) return { ...before, changes: [] };
    permit?.(request.edits.map((edit) => wishedChange(edit, before.data)));
    const { revision, changes } = await host.change(request);
    return { ...stateAfter(revision, before), changes: changes.map(treeChangeOf) };
  };
  /** The door has it already; where it went on meanwhile, that is newer still. */
  const stateAfter = (revision: RevisionInfo, before: TreeState): TreeState =>
    revision.number === before.revision.number ? before : current();

  const change: TreeApp["change"] = (request) =>
    alone(async () => {
      if (request.schema !== undefined) throw hasNoSchema(host.name);
      for (let round = 1; ; round++) {
        try {
          return await attempt(request);
        } catch (error) {
          const isRace = error instanceof ConfigSyncError && error.code === "REVISION_MOVED";
          if (!isRace || request.expected !== undefined || round === mostRounds) throw error;
          await host.lookAgain();
        }
      }
    });

  let told: TreeState | undefined;
  const tell = (): void => {
    const { snapshot, head } = host.current();
    if (snapshot === undefined || head === undefined) return;
    const now = stateOf(snapshot, head);
    if (now.revision.number === told?.revision.number) return;
    const before = told;
    told = now;
    const secrets = new Set([...(now.secrets ?? []), ...(before?.secrets ?? [])]);
    const changes = diffTrees(before?.data ?? {}, now.data);
    watchers.tell({ ...now, changes: changes.map((one) => (secrets.has(one.path) ? { ...one, secret: true } : one)) });
  };
  host.listen(tell);

  return {
    name: host.name,
    current,
    isSecret,
    change,
    validate: async (data) => {
      if (data === undefined) return host.current().problems;
      try {
        const state = current();
        const edits = doorEdits({ path: [], value: data }, { data: state.data, isSecret, isWritable: host.isWritable });
        if (edits.length > 0) await host.rehearse({ edits, author: "", message: "" });
        return [];
      } catch (error) {
        return [asConfigSyncError(error)];
      }
    },
    reload: host.lookAgain,
    revisions: host.revisions,
    at: async (number) => {
      const revision = await host.revision(number);
      return revision && stateOf(await host.read(revision), infoOf(revision));
    },
    watch: (listener, end) => {
      // From now on: what was before is no news.
      if (told === undefined) tell();
      return watchers.watch(listener, end);
    },
  };
}

/** How often a change is made anew on what somebody edits by hand just then. */
const mostRounds = 5;

type Said = Pick<TreeState, "data" | "secrets">;
const known = new WeakMap<Snapshot, Said>();

function stateOf(snapshot: Snapshot, revision: RevisionInfo): TreeState {
  const said: Said = known.get(snapshot) ?? { data: treeOf(snapshot), secrets: secretsOf(snapshot) };
  known.set(snapshot, said);
  return { ...said, schema: undefined, revision };
}

/** By section and key; a key of several segments stands in its written form. */
function treeOf({ entries }: Snapshot): JsonTree {
  const sections = new Map<string, Map<string, string>>();
  for (const { path, value } of entries.values()) {
    const [section, key] = placeOf(path);
    const keys = sections.get(section) ?? new Map<string, string>();
    sections.set(section, keys.set(key, reveal(value)));
  }
  return Object.fromEntries([...sections].map(([section, keys]) => [section, Object.fromEntries(keys)]));
}

function placeOf([section = "", ...rest]: Path): readonly [section: string, key: string] {
  return [section, rest.length === 1 ? (rest[0] ?? "") : formatPath(rest)];
}

/** The written paths of what is secret: by its name, as it was sealed, or as it took in a secret. */
function secretsOf({ entries }: Snapshot): ReadonlySet<string> {
  const secret = [...entries.values()].filter(({ value }) => value instanceof Secret);
  return new Set(secret.map(({ path }) => formatPath(placeOf(path))));
}

function treeChangeOf({ key, kind, before, after }: Change): TreeChange {
  return {
    path: key,
    kind,
    ...(before !== undefined && { before: reveal(before.value) }),
    ...(after !== undefined && { after: reveal(after.value) }),
    ...((before?.value instanceof Secret || after?.value instanceof Secret) && { secret: true }),
  };
}

function wishedChange({ path, value }: Edit, data: JsonTree): TreeChange {
  const before = valueAt(data, path);
  const kind = value === undefined ? "removed" : before === undefined ? "added" : "changed";
  return {
    path: formatPath(path),
    kind,
    ...(before !== undefined && { before }),
    ...(value !== undefined && { after: value }),
  };
}

interface Ground {
  readonly data: JsonTree;
  readonly isSecret: PathTest;
  readonly isWritable: (path: Path) => boolean;
}

/**
 * What the door is asked to do. What stands there already is not asked for, so that a whole tree can be sent back with the values of
 * system.ini in it; of what a replaced map does not name, all goes that may be written.
 */
function doorEdits({ path, value: given, merge = false }: TreeEdit, ground: Ground): Edit[] {
  if (given === undefined && path.length > 0) return [{ path }];
  const value = keepMasked(given ?? {}, valueAt(ground.data, path), path, ground.isSecret);
  const wanted = [...textsOf(value, path)].filter(([at, text]) => !sameValue(valueAt(ground.data, at), text));
  const set = wanted.map(([at, text]): Edit => ({ path: at, value: text }));
  return merge ? set : [...set, ...goneWith(value, path, ground)];
}

/** Values by their paths. Throws UNREPRESENTABLE for what sections of keys cannot hold. */
function* textsOf(value: Json, at: Path): Generator<readonly [Path, string]> {
  const isMap = isTree(value);
  const isText = !isMap && !Array.isArray(value) && value !== null;
  if (at.length > 2 || (at.length === 2 ? !isText : !isMap)) throw unrepresentable(value, at);
  if (!isMap) yield [at, String(value)];
  else for (const [key, inner] of Object.entries(value)) yield* textsOf(inner, [...at, key]);
}

function goneWith(value: Json, at: Path, { data, isWritable }: Ground): Edit[] {
  const present = valueAt(data, at);
  if (at.length > 1 || !isTree(present) || !isTree(value)) return [];
  return Object.entries(present).flatMap(([key, inner]): Edit[] => {
    const path = [...at, key];
    const left = Object.hasOwn(value, key) ? value[key] : undefined;
    if (isTree(inner)) return goneWith(left ?? {}, path, { data, isSecret: () => false, isWritable });
    return left === undefined && isWritable(path) ? [{ path }] : [];
  });
}

function unrepresentable(value: Json, at: Path): ConfigSyncError {
  const key = formatPath(at);
  const what = value === null ? "null" : Array.isArray(value) ? "a list" : isTree(value) ? "a map" : "a value";
  const message =
    at.length === 0
      ? "the whole configuration is a map of sections"
      : at.length === 1
        ? `${key} is a section, and cannot be ${what}`
        : at.length > 2
          ? `${key} is too deep: an INI file has sections of keys`
          : `${key} cannot be ${what}: an INI file has texts`;
  return new ConfigSyncError("UNREPRESENTABLE", message, {
    ...(key !== "" && { key }),
    hint: "Give sections of keys with texts, numbers, true or false; remove a key with DELETE",
  });
}

function hasNoSchema(name: string): ConfigSyncError {
  return new ConfigSyncError("READ_ONLY", `the app "${name}" takes no schema from here`, {
    hint: "Name one under schema in config-sync.yaml",
  });
}
