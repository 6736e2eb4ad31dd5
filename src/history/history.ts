/** What a history is: the revisions of apps, numbered from 1 without a gap, kept for good. */

/** A document of an app as it was, byte for byte: `config.ini`. */
export interface Document {
  /** A plain file name, unique within its revision. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is said of a revision in a listing. Holds no value of the configuration. */
export interface RevisionInfo {
  readonly number: number;
  /** The number before it; null for the first. */
  readonly parent: number | null;
  /** Who is answerable: a user, an API key by its name, `file` for an edit by hand. */
  readonly author: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Why, in one line or more. */
  readonly message: string;
  /** The hash of the snapshot that was made of the documents. */
  readonly hash: string;
}

export interface Revision extends RevisionInfo {
  /** In the order in which they were appended. */
  readonly documents: readonly Document[];
}

/** A revision before it has a number. */
export type Draft = Omit<Revision, "number" | "parent">;

/** Must not throw. */
export type OnWritten = (revision: RevisionInfo) => void;

export interface History {
  /** The newest revision of an app; undefined for one without any. */
  readonly head: (app: string) => Promise<RevisionInfo | undefined>;
  readonly get: (app: string, number: number) => Promise<Revision | undefined>;
  /** Newest first. `before` is exclusive; `limit` at most as many. */
  readonly list: (app: string, page: { readonly limit: number; readonly before?: number }) => Promise<RevisionInfo[]>;
  /**
   * Records a revision on top of `expected`, the number of the head that it was made on (0: there is none). Resolves when it would
   * survive a power cut. Throws REVISION_MOVED when the head is another one: of several at once, one wins. An app without any revision
   * takes every number to count on from, so that a history that was lost goes on where the app was.
   *
   * `onWritten` is told of the revision when it is written and on its way to the disk, for who has more to write because of it and wants to
   * wait for the disk once. It is not recorded before this resolves.
   *
   * Throws VALUE_INVALID and TOO_LARGE for a draft that no history takes; HISTORY_UNUSABLE, and then nothing is recorded.
   */
  readonly append: (app: string, draft: Draft, expected: number, onWritten?: OnWritten) => Promise<RevisionInfo>;
  /** The names of the apps that have a revision, sorted. */
  readonly apps: () => Promise<string[]>;
  /**
   * Calls `tell` for every revision that is appended from now on, in order, whoever appends it: at once for our own, within a
   * second for those of another process.
   */
  readonly watch: (app: string, tell: (revision: RevisionInfo) => void) => Promise<() => Promise<void>>;
  /** What the background work cannot do just now, and tries again: a sentence. No change waits for it. */
  readonly trouble?: () => string | undefined;
  /** Ends what runs in the background; nothing that was appended is lost. */
  readonly close: () => Promise<void>;
}
