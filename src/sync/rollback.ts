import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { restoreFiles } from "./files.ts";
import { type Outcome, type Turn, tell } from "./turn.ts";
import { waitUntilHealthy } from "./verify.ts";

/**
 * Takes a change back: the previous bytes, and the service running on them as before. What failed is quarantined first, so
 * that a crash in the middle goes on with the way back and not with the way forward.
 */
export async function rollBack(turn: Turn, error: ConfigSyncError): Promise<Outcome> {
  await quarantine(turn, error);
  return finishRollback(turn);
}

/** Remembers that these outputs failed: they are not tried again by themselves. */
export async function quarantine(turn: Turn, error: ConfigSyncError): Promise<void> {
  const at = turn.clock.now();
  turn.ledger.update(turn.service.name, {
    quarantine: { fingerprint: turn.service.fingerprint, revision: turn.revision, reason: error.toText(), at },
    trouble: { code: error.code, message: error.toText(), at },
    refusals: 0,
  });
  await turn.ledger.flush();
}

/** The way back from wherever it stands. It can be begun any number of times. */
export async function finishRollback(turn: Turn): Promise<Outcome> {
  const { ledger, service } = turn;
  const { undo, healthy, quarantine: failed, actions } = ledger.record(service.name);
  const reason = failed?.reason ?? "the change failed";
  try {
    tell(turn, "rolling-back", reason);
    await restoreFiles(undo?.files ?? [], turn);
    ledger.update(service.name, { written: healthy, owned: undo?.owned ?? {} });
    await runAsBefore(turn);
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
    undo: undefined,
    attempts: 0,
    retryAt: undefined,
  });
  await ledger.flush();
  return { kind: "rolled-back", error: new ConfigSyncError("UNHEALTHY", reason) };
}

async function runAsBefore(turn: Turn): Promise<void> {
  const { undo, actions } = turn.ledger.record(turn.service.name);
  if (undo === undefined || undo.rule < 0) return;
  const reload = actions?.reloads[undo.rule] ?? turn.service.reload[undo.rule]?.action;
  if (reload === undefined) return;
  if (undo.wasRunning === false) return turn.actions.stop(reload, turn.stopping);
  const at = turn.clock.now();
  await turn.actions.reload(reload, turn.stopping);
  turn.ledger.update(turn.service.name, { lastReload: { at, took: turn.clock.now() - at, shown: reload.shown } });
}
