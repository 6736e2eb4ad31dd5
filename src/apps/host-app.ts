/** The app that services run on, for all who look at it from outside: what is in force, its history, and the way to change it. */
import type { Snapshot } from "../config/layers.ts";
import type { Path } from "../config/path.ts";
import type { ConfigSyncError } from "../errors.ts";
import type { History, Revision, RevisionInfo } from "../history/history.ts";
import type { Changed, ChangeRequest } from "./change.ts";

export interface HostApp {
  readonly name: string;
  /** All of one moment. `head` is the revision of `snapshot`. */
  readonly current: () => {
    /** The newest good one; undefined until there was one. */
    readonly snapshot: Snapshot | undefined;
    readonly head: RevisionInfo | undefined;
    readonly problems: readonly ConfigSyncError[];
  };
  /** Throws READ_ONLY, REVISION_MOVED, or why the result would be no good; then nothing was changed. */
  readonly change: (request: ChangeRequest) => Promise<Changed>;
  /** Whether a value of this path could be set. */
  readonly isWritable: (path: Path) => boolean;
  readonly revisions: (page: Parameters<History["list"]>[1]) => Promise<RevisionInfo[]>;
  readonly revision: (number: number) => Promise<Revision | undefined>;
  /** What the documents of a revision say, secret where they would be secret today. */
  readonly read: (revision: Revision) => Promise<Snapshot>;
}
