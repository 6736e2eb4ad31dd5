import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { reached } from "../platform/reached.ts";
import { restoreFiles } from "./files.ts";
import type { Quarantine } from "./record.ts";
import { type Outcome, type Turn, tell } from "./turn.ts";
import { waitUntilHealthy } from "./verify.ts";
import { keepForeignKeys } from "./way-back.ts";

/**
 * Takes a change back: the previous bytes, and the service running on them as before. What failed is quarantined first, so
 * that a crash in the middle goes on with the way back and not with the way forward.
 */
export async function rollBack(turn: Turn, error: ConfigSyncError): Promise<Outcome> {
  await quarantine(turn, error, { refused: false });
  return finishRollback(turn);
}

/** Remembers that these outputs failed: they are not tried again by themselves. */
export async function quarantine(
  { ledger, clock, redact, service, revision }: Turn,
  error: ConfigSyncError,
  { refused }: Pick<Quarantine, "refused">,
): Promise<void> {
  const at = clock.now();
  const reason = redact(error.toText());
  ledger.update(service.name, {
    quarantine: { fingerprint: service.fingerprint, revision, refused, reason, code: error.code, at },
    trouble: { code: error.code, message: reason, at },
    refusals: 0,
  });
  await ledger.flush();
  reached("quarantined");
}

/** The way back from wherever it stands. It can be begun any number of times. */
export async function finishRollback(turn: Turn): Promise<Outcome> {
  const { ledger, service } = turn;
  const { undo, healthy, quarantine: failed, actions, trouble } = ledger.record(service.name);
  const reason = failed?.reason ?? "the change failed";
  try {
    tell(turn, "rolling-back", reason);
    await restoreFiles(await Promise.all((undo?.files ?? []).map((file) => keepForeignKeys(file, service))), turn);
    reached("restored");
    ledger.update(service.name, { written: healthy, owned: undo?.owned ?? {} });
    await runAsBefore(turn);
    reached("reloaded-as-before");
    // Without an earlier healthy state nobody knows how it looks from outside.
    const signal = AbortSignal.any([turn.stopping, turn.superseded]);
    if (undo?.wasRunning !== false) await waitUntilHealthy(actions?.probes ?? [], service.backoff, { ...turn, signal });
  } catch (thrown) {
    if (turn.stopping.aborted || turn.superseded.aborted) return { kind: "superseded" };
    const error = asConfigSyncError(thrown);
    const message = `${reason}. The way back to the last good state is not finished: ${error.message}`;
    return { kind: "retry", error: new ConfigSyncError(error.code, message, { cause: error, hint: error.hint }) };
  }
  ledger.update(service.name, {
    loaded: healthy,
    keys: undo?.keys ?? {},
    form: undo?.form,
    undo: undefined,
    ill: false,
    attempts: 0,
    retryAt: undefined,
    // What stood in the way back is over; why it was taken remains.
    trouble:
      trouble?.message === reason
        ? trouble
        : { code: "UNHEALTHY", message: reason, at: failed?.at ?? turn.clock.now() },
  });
  await ledger.flush();
  reached("rolled-back");
  return { kind: "rolled-back", error: new ConfigSyncError("UNHEALTHY", reason) };
}

/**
 * Once is enough: from then on the ledger says what the service has loaded, and only its health is waited for. A service that
 * starts more slowly than its patience lasts would else be restarted for ever.
 */
async function runAsBefore(turn: Turn): Promise<void> {
  const { ledger, clock, service } = turn;
  const { undo, actions, healthy } = ledger.record(service.name);
  if (undo === undefined || undo.rule < 0) return;
  const reload = actions?.reloads[undo.rule] ?? service.reload[undo.rule]?.action;
  if (reload === undefined) return;
  const at = clock.now();
  if (undo.wasRunning === false) await turn.actions.stop(reload, turn.stopping);
  else {
    const runs = await turn.actions.isRunning(reload, turn.stopping).catch(() => undefined);
    // What the change ended cannot be told anything.
    await (runs === false ? turn.actions.start : turn.actions.reload)(reload, turn.stopping);
    ledger.update(service.name, { lastReload: { at, took: clock.now() - at, shown: reload.shown } });
  }
  ledger.update(service.name, { loaded: healthy, keys: undo.keys, form: undo.form, undo: { ...undo, rule: -1 } });
}
