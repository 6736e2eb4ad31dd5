import { ConfigSyncError } from "../../errors.ts";
import { checkDraft } from "../draft.ts";
import type { Draft, History, OnWritten, RevisionInfo } from "../history.ts";
import { checkExpected } from "../moved.ts";
import type { Watchers } from "../watchers.ts";
import type { Background } from "./background.ts";
import { type Contents, makePending, type Pending, type Recorded } from "./contents.ts";
import type { Journal } from "./journal.ts";

interface Asked {
  readonly app: string;
  readonly draft: Draft;
  readonly expected: number;
  readonly onWritten: OnWritten | undefined;
  readonly done: (revision: RevisionInfo) => void;
  readonly fail: (error: unknown) => void;
}

/** Bytes that wait for git in memory and in the journal; beyond them appending waits, too, and in the end is refused. */
const patience = 64 * 1024 * 1024;

/** Bytes that git is given without waiting for rest: until then they are in memory. */
const plenty = 4 * 1024 * 1024;

/** Appends to the journal. Whatever was asked for while one write was under way goes out with the next: one fsync for all. */
export function createAppend(journal: Journal, drain: Background, { tell }: Watchers): History["append"] {
  let queue: Asked[] = [];
  let isWorking = false;

  const work = async (): Promise<void> => {
    if (isWorking) return;
    isWorking = true;
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      await appendAll(batch).catch((error: unknown) => {
        for (const { fail } of batch) fail(error);
      });
    }
    isWorking = false;
  };

  const appendAll = async (batch: readonly Asked[]): Promise<void> => {
    await makeRoom(journal, drain);
    let outcome: Outcome = { made: [], written: [], answers: [] };
    await journal.append(
      (contents) => {
        outcome = decide(contents, batch);
        return outcome.made;
      },
      () => {
        for (const tellWritten of outcome.written) tellWritten();
      },
    );
    for (const { app, info } of outcome.made) tell(app, info);
    for (const answer of outcome.answers) answer();
    if (outcome.made.length === 0) return;
    if ((await journal.read()).pendingSize > plenty) void drain.now();
    else drain.soon();
  };

  return (app, draft, expected, onWritten) => {
    const { promise, resolve: done, reject: fail } = Promise.withResolvers<RevisionInfo>();
    try {
      checkDraft(app, draft);
      queue.push({ app, draft, expected, onWritten, done, fail });
      void work();
    } catch (error) {
      fail(error);
    }
    return promise;
  };
}

interface Outcome {
  readonly made: readonly Pending[];
  /** To be called when those are written. */
  readonly written: readonly (() => void)[];
  /** To be called once those are durable: who lost, lost to one of them. */
  readonly answers: readonly (() => void)[];
}

function decide({ heads }: Contents, batch: readonly Asked[]): Outcome {
  const now = new Map<string, Recorded>(heads);
  const made: Pending[] = [];
  const written: (() => void)[] = [];
  const answers = batch.map(({ app, draft, expected, onWritten, done, fail }) => {
    try {
      checkExpected(app, now.get(app)?.info, expected);
    } catch (error) {
      return () => fail(error);
    }
    const pending = makePending(app, draft, expected + 1, now.get(app));
    made.push(pending);
    now.set(app, pending);
    written.push(() => onWritten?.(pending.info));
    return () => done(pending.info);
  });
  return { made, written, answers };
}

async function makeRoom(journal: Journal, drain: Background): Promise<void> {
  const isFull = async (): Promise<boolean> => (await journal.read()).pendingSize > patience;
  if (!(await isFull())) return;
  await drain.now();
  if (!(await isFull())) return;
  throw new ConfigSyncError("HISTORY_UNUSABLE", drain.trouble() ?? "too much waits for the git repository");
}
