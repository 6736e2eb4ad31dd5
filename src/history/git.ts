/**
 * A history in a local git repository: branch main, a folder an app, a commit a revision, to be read with plain git. An append is one
 * durable write into a journal beside it; git gets what is there in batches, a moment later. Nobody waits for a process.
 */
import { ConfigSyncError } from "../errors.ts";
import { gitIn, requireGit } from "../platform/git.ts";
import { createAppend } from "./git/append.ts";
import { type Archive, openArchive } from "./git/archive.ts";
import type { Background } from "./git/background.ts";
import type { Contents } from "./git/contents.ts";
import { drainInBackground } from "./git/drain.ts";
import { type Journal, openJournal } from "./git/journal.ts";
import { type PushTarget, pushInBackground } from "./git/push.ts";
import { listRevisions, readFrom } from "./git/reading.ts";
import { surveyRepository } from "./git/survey.ts";
import type { History } from "./history.ts";
import { createWatchers, type Watchers } from "./watchers.ts";

export interface GitHistoryOptions {
  /** Where the bare repository is, or will be. */
  readonly folder: string;
  /** Another repository, which follows this one. */
  readonly push?: PushTarget | undefined;
  /** For the log: what was found damaged and mended, and when the background work begins to fail and works again. */
  readonly tell?: ((message: string) => void) | undefined;
}

/** Milliseconds between looks for what another process appended, while somebody watches. */
const lookEvery = 500;
/** Milliseconds until what an earlier process could not push is pushed. */
const catchUpAfter = 5000;
/** Milliseconds that `close` gives git to take what is pending. The rest stays in the journal for the next time. */
const farewell = 1500;

/**
 * Opens the history in `folder`, which need not be there yet: it is made at the first append. Starts no process. Throws HISTORY_UNUSABLE
 * where git is not installed.
 */
export async function gitHistory({
  folder,
  push: target,
  tell = () => undefined,
}: GitHistoryOptions): Promise<History> {
  requireGit();
  const ending = new AbortController();
  const end = (): void => ending.abort(new Error("the history is closed"));
  const { signal } = ending;
  const git = gitIn(folder);
  const archive = openArchive(git);
  const watchers = createWatchers();
  const survey = (): Promise<Contents> => surveyRepository(git, archive);
  const journal = openJournal({ folder, survey, tell, onForeign: tellOf(archive, watchers) });
  const push = target && pushInBackground(git, target, { signal, tell });
  const drain = drainInBackground({ git, journal, archive, signal, tell, onFiled: () => push?.soon() });
  const append = createAppend(journal, drain, watchers);
  let isClosed = false;
  const timers = [lookForOthers(journal, watchers), catchUp(journal, drain, push)];
  return {
    ...readFrom(journal, archive),
    // It would take the writing over once more, and give it back no more.
    append: async (...asked) => (isClosed ? refuse(folder) : append(...asked)),
    watch: async (app, tellOne) => {
      // From now on: what another process appended before this is no news.
      await journal.read();
      return watchers.watch(app, tellOne);
    },
    trouble: () => drain.trouble() ?? push?.trouble(),
    close: async () => {
      isClosed = true;
      timers.forEach(clearInterval);
      const late = setTimeout(end, farewell);
      if (journal.isClaimed() && drain.trouble() === undefined) await drain.now();
      await drain.stop();
      clearTimeout(late);
      end();
      await push?.stop();
      await journal.release("anyway");
      archive.close();
    },
  };
}

function refuse(folder: string): never {
  throw new ConfigSyncError("HISTORY_UNUSABLE", `the history in ${folder} was closed`);
}

/** Watchers are told of what another process appended, each revision in its turn. */
function tellOf(archive: Archive, { tell, isWatched }: Watchers) {
  let told: Promise<void> = Promise.resolve();
  const tellAll = async (before: Contents, now: Contents): Promise<void> => {
    for (const [app, { info }] of now.heads) {
      const limit = info.number - (before.heads.get(app)?.info.number ?? 0);
      if (limit <= 0) continue;
      for (const revision of (await listRevisions(now, archive, app, { limit })).reverse()) tell(app, revision);
    }
  };
  return (before: Contents, now: Contents): void => {
    if (isWatched()) told = told.then(() => tellAll(before, now)).catch(() => undefined);
  };
}

function lookForOthers(journal: Journal, { isWatched }: Watchers): NodeJS.Timeout {
  const look = (): void => {
    if (isWatched()) journal.read().catch(() => undefined);
  };
  return setInterval(look, lookEvery).unref();
}

/** What an earlier process left undone. */
function catchUp(journal: Journal, drain: Background, push: Background | undefined): NodeJS.Timeout {
  journal.read().then(
    ({ pending }) => pending.length > 0 && drain.soon(),
    () => undefined, // Whoever asks for something meets the error.
  );
  return setTimeout(() => push?.soon(), catchUpAfter).unref();
}
