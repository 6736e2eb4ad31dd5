/**
 * What was taken up, on its way into the history. A look does not wait for the disk: its revision gets its number at once and is
 * recorded beside the work that it causes. A change at the door waits.
 */
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { Document, Draft, History, OnWritten, RevisionInfo } from "../history/history.ts";

export interface Recorder {
  /** The newest revision, recorded or about to be. Undefined before `open`, and where there is none. */
  readonly head: () => RevisionInfo | undefined;
  /** The documents of the head; undefined where there is none. */
  readonly documents: () => Promise<readonly Document[] | undefined>;
  /** The same where they need not be asked for. */
  readonly documentsNow: () => readonly Document[] | undefined;
  /** Finds out where the history stands, unless that is known better here. Throws HISTORY_UNUSABLE. */
  readonly open: () => Promise<void>;
  /** Takes a revision up; it is recorded soon. */
  readonly note: (draft: Draft) => RevisionInfo;
  /** Records a revision, and all that was noted before it. Throws HISTORY_UNUSABLE; then it is not there. `onWritten`: see `History`. */
  readonly append: (draft: Draft, onWritten?: OnWritten) => Promise<RevisionInfo>;
  /** Why what was noted could not be recorded so far. Every call tries again. */
  readonly trouble: () => ConfigSyncError | undefined;
  /** Resolves when what was noted is recorded, or could not be. */
  readonly settled: () => Promise<void>;
}

export interface RecorderOptions {
  /** What the next revision counts on from where the history has none, because it was deleted, say. */
  readonly lastNumber: () => number;
  /** Called when there begins to be trouble. */
  readonly onTrouble: () => void;
}

export function createRecorder(app: string, history: History, { lastNumber, onTrouble }: RecorderOptions): Recorder {
  let head: RevisionInfo | undefined;
  /** Of the head. */
  let newest: readonly Document[] | undefined;
  let waiting: Draft[] = [];
  let failed: ConfigSyncError | undefined;
  let running: Promise<void> | undefined;
  let soon: NodeJS.Timeout | undefined;
  /** Asked before anything is noted, which is remembered elsewhere, too. */
  const last = lastNumber();

  const flush = (): Promise<void> => {
    clearTimeout(soon);
    soon = undefined;
    running ??= recordWaiting().finally(() => {
      running = undefined;
    });
    return running;
  };

  const recordWaiting = async (): Promise<void> => {
    while (waiting[0] !== undefined) {
      const [draft] = waiting;
      try {
        const at = await history.head(app);
        const recorded = await history.append(app, draft, at?.number ?? last);
        waiting.shift();
        if (waiting.length === 0) head = recorded;
        failed = undefined;
      } catch (error) {
        const isNews = failed === undefined;
        failed = asConfigSyncError(error, "HISTORY_UNUSABLE").with({ retryable: true });
        if (isNews) onTrouble();
        // What was passed over while nothing could be recorded is gone; the newest state is what must not be lost.
        waiting = waiting.slice(-1);
        return;
      }
    }
  };

  const settled = async (): Promise<void> => {
    if (waiting.length > 0) await flush();
    await running;
  };

  return {
    head: () => head,
    documents: async () => {
      if (newest === undefined && head !== undefined) newest = (await history.get(app, head.number))?.documents;
      return newest;
    },
    documentsNow: () => newest,
    open: async () => {
      // What waits is newer than anything that the history knows.
      if (waiting.length > 0) return;
      head = await history.head(app);
      newest = undefined;
    },
    note: (draft) => {
      const number = (head?.number ?? last) + 1;
      head = { ...withoutDocuments(draft), number, parent: head?.number ?? null };
      newest = draft.documents;
      waiting.push(draft);
      soon ??= setTimeout(flush, recordAfter);
      return head;
    },
    append: async (draft, onWritten) => {
      await settled();
      if (failed !== undefined) throw failed;
      head = await history.append(app, draft, head?.number ?? last, onWritten);
      newest = draft.documents;
      return head;
    },
    trouble: () => {
      if (failed !== undefined) void flush();
      return failed;
    },
    settled,
  };
}

/** Milliseconds: what waits for the change itself comes first, on the same disk. */
const recordAfter = 100;

function withoutDocuments({ author, at, message, hash }: Draft): Omit<Draft, "documents"> {
  return { author, at, message, hash };
}
