/** A named configuration as a tree of values: what the API's `/api/apps`, its WebSocket and its versioned shape see of any app. */
import type { Json, JsonTree, TreeChange } from "../config/json.ts";
import type { Path } from "../config/path.ts";
import type { ConfigSyncError } from "../errors.ts";
import type { History, RevisionInfo } from "../history/history.ts";
import type { Sealed, SealRequest, Signature } from "./change.ts";

export type { TreeChange } from "../config/json.ts";

/** The values of one moment. */
export interface TreeState {
  readonly data: JsonTree;
  /** The JSON Schema that every write is held to, where there is one. */
  readonly schema: JsonTree | undefined;
  readonly revision: RevisionInfo;
  /** The written paths of values that were secret then, whatever the path says of itself now. */
  readonly secrets?: ReadonlySet<string>;
}

/** A value that is set at a path (maps on the way are made), or without a value is removed. An empty path is the whole tree. */
export interface TreeEdit {
  readonly path: Path;
  readonly value?: Json | undefined;
  /** Maps are merged key by key into what is there; all else is replaced. */
  readonly merge?: boolean | undefined;
}

export interface TreeChangeRequest extends Signature {
  readonly edits: readonly TreeEdit[];
  /** Another schema, in the same revision; null takes it away. */
  readonly schema?: JsonTree | null | undefined;
  /** Asked with what would be different, before anything is: throws to refuse it. */
  readonly permit?: ((changes: readonly TreeChange[]) => void) | undefined;
}

/** The state after a change. No changes and the revision of before: nothing was different, and nothing was recorded. */
export interface TreeChanged extends TreeState {
  readonly changes: readonly TreeChange[];
}

export type SealedKeys = Pick<Sealed, "revision" | "keys">;

export interface TreeApp {
  readonly name: string;
  /** The newest good state. Throws why there is none. */
  readonly current: () => TreeState;
  /** Whether what is at a path, or below it, is masked for whoever may not reveal (`maskValue` in config/masked-tree.ts). */
  readonly isSecret: (path: Path) => boolean;
  /**
   * What was shown as `[secret]` and comes back in its place keeps the value; a mask anywhere else is VALUE_INVALID.
   *
   * Throws and changes nothing: NOT_FOUND for a path to remove that is not there, VALUE_INVALID for what the schema or a rule refuses
   * (with the key), what `permit` throws, READ_ONLY, REVISION_MOVED, TOO_LARGE, UNREPRESENTABLE, KEY_UNUSABLE,
   * HISTORY_UNUSABLE, WRITE_FAILED. Resolves when it would
   * survive a power cut.
   */
  readonly change: (request: TreeChangeRequest) => Promise<TreeChanged>;
  /**
   * Seals secrets where they stand in the documents: one revision, and none where there is nothing of that kind. Not for `default` of a
   * daemon, which is sealed at the door. Throws as `change` does, and KEY_UNUSABLE.
   */
  readonly seal?: ((request: SealRequest) => Promise<SealedKeys>) | undefined;
  /** What stands against this tree, or with none against the present one: empty where all is well. Changes nothing. */
  readonly validate: (data?: JsonTree) => Promise<readonly ConfigSyncError[]>;
  /** Reads its documents again; resolves when what is new is taken up. */
  readonly reload: () => Promise<void>;
  readonly revisions: (page: Parameters<History["list"]>[1]) => Promise<RevisionInfo[]>;
  /** As it was by a revision; undefined where there is no such one. */
  readonly at: (revision: number) => Promise<TreeState | undefined>;
  /** Calls `tell` after every change from now on, in order, whoever made it; and `end` once when the app is removed. */
  readonly watch: (tell: (changed: TreeChanged) => void, end?: () => void) => () => void;
}

/** All apps of a daemon or a server. Names are case-sensitive. */
export interface TreeApps {
  /** Sorted. */
  readonly names: () => readonly string[];
  /** Throws HISTORY_UNUSABLE as long as nobody can tell what apps there are; `default` is there even then. */
  readonly get: (name: string) => TreeApp | undefined;
  /** Throws EXISTS, VALUE_INVALID (a name that is none, data that the schema refuses), TOO_LARGE, READ_ONLY, HISTORY_UNUSABLE. */
  readonly create: (name: string, initial: NewApp, by: Omit<Signature, "expected">) => Promise<TreeApp>;
  /**
   * Its history stays, and goes on where an app of that name is made again. Throws NOT_FOUND, READ_ONLY (`default`), REVISION_MOVED,
   * HISTORY_UNUSABLE.
   */
  readonly remove: (name: string, by: Signature) => Promise<void>;
}

export interface NewApp {
  readonly data: JsonTree;
  readonly schema?: JsonTree | undefined;
}

/** 1-64 of letters, digits, `-`, `_`, beginning with a letter or a digit. */
export const appName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
