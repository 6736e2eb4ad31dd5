/** One workspace after the other in the same process: settings, manifests and templates are read again while the daemon goes on. */
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { readLedger } from "../sync/ledger.ts";
import { openWorkspace, type Workspace } from "../workspace.ts";
import { compareWorkspaces } from "./compare.ts";
import type { Running } from "./running.ts";

/** How reading again ended. `refused`: what ran before goes on. */
export type Reread =
  | { readonly kind: "taken"; readonly workspace: Workspace; readonly text: string }
  | { readonly kind: "refused"; readonly problems: readonly ConfigSyncError[] };

export interface Succession {
  /** What runs now; while the files are read again, whatever comes of that: a file that is changed without a pause is never at rest. */
  readonly current: () => Promise<Running>;
  /** Reads everything again soon. Asked for several times in a row, it is done at least once after the last. */
  readonly reread: () => void;
  /** Why the last reading was not taken up; empty when it was. */
  readonly problems: () => readonly ConfigSyncError[];
  readonly stop: () => Promise<void>;
}

export interface SuccessionOptions {
  readonly run: (workspace: Workspace) => Promise<Running>;
  readonly onReread: (outcome: Reread) => void;
}

/** Milliseconds until it is tried once more where time can mend it. */
const again = 1000;

export function createSuccession(first: Promise<Running>, { run, onReread }: SuccessionOptions): Succession {
  const stopping = new AbortController();
  let current = first;
  let looking: Promise<unknown> = Promise.resolve();
  let asked = false;
  let isReading = false;
  let later: NodeJS.Timeout | undefined;
  let problems: readonly ConfigSyncError[] = [];
  let told = "";

  const reread = (): void => {
    told = "";
    void readAgain();
  };

  const readAgain = async (): Promise<void> => {
    asked = true;
    if (isReading) return;
    isReading = true;
    while (asked && !stopping.signal.aborted) {
      asked = false;
      clearTimeout(later);
      await takeUp().catch((error: unknown) => {
        const reason = asConfigSyncError(error);
        refuse([reason], reason.retryable ? again : undefined);
      });
    }
    isReading = false;
  };

  const takeUp = async (): Promise<void> => {
    const old = await current;
    const next = await openChecked(old.workspace);
    const found = await hold(next.app.look());
    if (asked || stopping.signal.aborted) return;
    if (found.problems.length > 0) {
      // The old one goes on with its last good values, which the new one would not have.
      refuse(found.problems, next.settings.sync.look_every);
      return;
    }
    const text = compareWorkspaces(old.workspace, next);
    current = replace(old, next);
    await current;
    problems = [];
    onReread({ kind: "taken", workspace: next, text });
  };

  const hold = <T>(look: Promise<T>): Promise<T> => {
    looking = look.catch(() => undefined);
    return look;
  };

  const replace = async (old: Running, next: Workspace): Promise<Running> => {
    // What was not saved is found out again by looking, as after a crash; whoever needed it on disk had waited for that.
    await old.stop().catch((error: unknown) => complain([asConfigSyncError(error)]));
    for (;;) {
      try {
        return await run(next);
      } catch (error) {
        complain([asConfigSyncError(error)]);
        await systemClock.sleep(again, stopping.signal);
      }
    }
  };

  const refuse = (reasons: readonly ConfigSyncError[], pause: number | undefined): void => {
    if (stopping.signal.aborted) return;
    complain(reasons.map(asRefusal));
    if (pause !== undefined) later = setTimeout(readAgain, pause);
  };

  const complain = (reasons: readonly ConfigSyncError[]): void => {
    problems = reasons;
    const text = problems.map((problem) => problem.toText()).join("\n");
    if (text !== told) onReread({ kind: "refused", problems });
    told = text;
  };

  const stop = async (): Promise<void> => {
    stopping.abort(new Error("config-sync stops"));
    clearTimeout(later);
    const last = await current.catch(() => undefined);
    await last?.stop();
  };

  return { current: () => looking.then(() => current), reread, problems: () => problems, stop };
}

/** The workspace as its files say now. Throws what stands against going on with it: then nothing has been touched. */
async function openChecked({ settings }: Workspace): Promise<Workspace> {
  const next = await openWorkspace(settings.folder);
  if (next.settings.state !== settings.state) {
    const message = `state leads to ${next.settings.state}, and a daemon that runs cannot leave ${settings.state}`;
    throw new ConfigSyncError("SETTINGS_INVALID", message, {
      place: { file: next.settings.file },
      hint: "Stop config-sync, move the folder if the ledger shall go on, and start it again",
    });
  }
  await readLedger(next.ledgerFile, next.keys);
  return next;
}

function asRefusal({ code, message, place, hint, key, cause }: ConfigSyncError): ConfigSyncError {
  const details = { place, hint, key, cause };
  return new ConfigSyncError(code, `${message} (what was read before stays in force)`, details);
}
