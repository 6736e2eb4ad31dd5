/**
 * Carrying out the plan of one service: stage, check, remember the way back, commit, reload, probe; or roll back.
 *
 * Every step leaves the ledger in a state from which the next turn goes on, so a turn may end anywhere, also by a power cut.
 */
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { runCommand } from "../platform/processes.ts";
import { reached } from "../platform/reached.ts";
import { commitFiles, discardFiles, type Staged } from "../platform/safe-write.ts";
import type { RenderedOutput } from "../services/render.ts";
import { joinFiles, previousFile, rememberFile, restoreFiles, stageOutput } from "./files.ts";
import { noteHealthy } from "./healthy.ts";
import { isTouched, type OutputPlan, type ServicePlan } from "./plan.ts";
import type { Mark, Undo } from "./record.ts";
import { finishRollback, quarantine, rollBack } from "./rollback.ts";
import { type Outcome, type Turn, tell } from "./turn.ts";
import { waitUntilHealthy } from "./verify.ts";

export async function applyService(plan: ServicePlan, turn: Turn): Promise<Outcome> {
  if (plan.verdict === "rollback") return finishRollback(turn);
  const mark: Mark = { revision: turn.revision, digest: plan.digest, at: turn.clock.now() };
  turn.ledger.update(turn.service.name, { desired: mark, quarantine: undefined });
  return (await write(plan, turn, mark)) ?? (await load(plan, turn, mark)) ?? (await verify(turn, mark));
}

/** Puts the outputs in place. An outcome only where the turn ends here, with every file as it was. */
async function write(plan: ServicePlan, turn: Turn, mark: Mark): Promise<Outcome | undefined> {
  const { ledger, service } = turn;
  const changes = plan.outputs.filter(isTouched);
  const { undo: undoBefore, owned: ownedBefore } = ledger.record(service.name);
  const staged = new Map<Staged, OutputPlan>();
  const committed: OutputPlan[] = [];
  try {
    if (changes.length > 0) tell(turn, "writing", describeWrites(changes, plan.why));
    const staging = changes.map(async (change) => staged.set(await stageOutput(change, turn), change));
    // The way back, and which keys are ours, must be as durable as the files before anything becomes visible.
    const ended = await Promise.allSettled([keepUndo(plan, turn, changes), ...staging]);
    const failed = ended.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    reached("way-back-kept");
    for (const [{ stagedPath }, { output }] of staged) await checkStaged(output, stagedPath, turn);
    reached("checked");
    await commitFiles([...staged.keys()], (done) => {
      committed.push(...[staged.get(done) ?? []].flat());
    });
  } catch (thrown) {
    await discardFiles([...staged.keys()]);
    await restoreFiles(committed.map(previousFile), turn);
    ledger.update(service.name, { undo: undoBefore, owned: ownedBefore });
    if (turn.stopping.aborted) return { kind: "superseded" };
    const error = asConfigSyncError(thrown, "WRITE_FAILED");
    if (error.retryable) return { kind: "retry", error };
    await quarantine(turn, error, { refused: true });
    return { kind: "refused", error };
  }
  ledger.update(service.name, { written: { ...mark, at: turn.clock.now() } });
  reached("committed");
  return undefined;
}

async function keepUndo(plan: ServicePlan, turn: Turn, changes: readonly OutputPlan[]): Promise<void> {
  const { ledger, service } = turn;
  const undo = await prepareUndo(plan, turn, changes);
  const owned = Object.fromEntries(plan.outputs.map(({ output, owned }) => [output.path, owned]));
  const matters = undo !== undefined || JSON.stringify(owned) !== JSON.stringify(ledger.record(service.name).owned);
  ledger.update(service.name, { undo, owned });
  if (matters) await ledger.flush();
}

/**
 * What was there when the service was last healthy: an unfinished turn before this one has it already. Undefined where nothing
 * can fail once the files are in place, neither here nor in a service that changes together with this one.
 */
async function prepareUndo(plan: ServicePlan, turn: Turn, changes: readonly OutputPlan[]): Promise<Undo | undefined> {
  const { undo, owned, keys, form } = turn.ledger.record(turn.service.name);
  if (undo === undefined && plan.reload === undefined && turn.service.probes.length === 0 && !turn.inGroup)
    return undefined;
  const files = changes.map((change) => rememberFile(change, owned[change.output.path] ?? []));
  const rule = turn.service.reload.findIndex(({ action }) => action === plan.reload);
  if (undo !== undefined) return { ...undo, files: joinFiles(undo.files, files), rule: Math.max(undo.rule, rule) };
  const wasRunning =
    plan.reload === undefined
      ? undefined
      : await turn.actions.isRunning(plan.reload, turn.stopping).catch(() => undefined);
  return { files, wasRunning, rule, owned, keys, form };
}

/** `a, b (why)`, for people. */
export function describeWrites(changes: readonly OutputPlan[], why: string): string {
  const names = changes.slice(0, 3).map(({ output }) => output.shownPath);
  const rest = changes.length - names.length;
  return `${names.join(", ")}${rest > 0 ? ` and ${rest} more` : ""} (${why})`;
}

/** The service's own check, on the file that nobody sees yet. */
async function checkStaged(output: RenderedOutput, stagedPath: string, turn: Turn): Promise<void> {
  const argv = output.check?.(stagedPath);
  if (argv === undefined) return;
  const { exitCode, output: said } = await runCommand(argv, {
    signal: turn.stopping,
    timeout: checkTimeout,
    cwd: turn.folder,
    redact: turn.redact,
  });
  if (exitCode === 0) return;
  throw new ConfigSyncError(
    "CHECK_REFUSED",
    `${argv[0]} refuses ${output.shownPath} (exit ${exitCode}): ${said.replaceAll(stagedPath, output.shownPath).trim()}`,
    {
      hint: "Nothing was changed. Correct the value that it complains about",
    },
  );
}

const checkTimeout = 30_000;

/** Makes the service load what was written. An outcome only where the turn ends here. */
async function load(plan: ServicePlan, turn: Turn, mark: Mark): Promise<Outcome | undefined> {
  const { ledger, service, clock } = turn;
  const loaded = { loaded: mark, keys: plan.keys, form: plan.form };
  if (plan.reload === undefined) {
    ledger.update(service.name, loaded);
    return undefined;
  }
  const { shown } = plan.reload;
  const at = clock.now();
  try {
    tell(turn, "reloading", shown);
    reached("reload-due");
    await turn.actions.reload(plan.reload, turn.stopping);
    reached("reloaded");
  } catch (thrown) {
    if (turn.stopping.aborted) return { kind: "superseded" };
    return judgeReload(asConfigSyncError(thrown), turn);
  }
  // Which run that was is asked when it is healthy: a restart may end one and begin the next at any time.
  ledger.update(service.name, { ...loaded, incarnation: undefined, lastReload: { at, took: clock.now() - at, shown } });
  return undefined;
}

/**
 * Who is not there is waited for, however long. Who says no is asked a few times more, because many a refusal passes; then
 * the change is taken back, because a bad file would be read at the service's next start.
 */
async function judgeReload(error: ConfigSyncError, turn: Turn): Promise<Outcome> {
  if (error.code === "UNREACHABLE" && error.retryable) return { kind: "retry", error };
  const refusals = turn.ledger.record(turn.service.name).refusals + 1;
  turn.ledger.update(turn.service.name, { refusals });
  if (error.retryable && refusals < turn.reloadAttempts) return { kind: "retry", error };
  return takeBack(turn, error);
}

/**
 * Where no file was touched there is nothing to take back, and where the service was ill before, that would not help: it is asked again
 * until it is healthy.
 */
async function takeBack(turn: Turn, error: ConfigSyncError): Promise<Outcome> {
  const { undo, ill } = turn.ledger.record(turn.service.name);
  const touched = (undo?.files ?? []).length > 0;
  return touched && !ill && turn.service.onFailure === "rollback" ? rollBack(turn, error) : { kind: "retry", error };
}

async function verify(turn: Turn, mark: Mark): Promise<Outcome> {
  try {
    await askUntilHealthy(turn);
    reached("probed");
  } catch (thrown) {
    if (turn.stopping.aborted || turn.superseded.aborted) return { kind: "superseded" };
    const error = asConfigSyncError(thrown);
    return error.code === "UNREACHABLE" ? { kind: "retry", error } : takeBack(turn, error);
  }
  await noteHealthy(turn, mark);
  return { kind: "done" };
}

async function askUntilHealthy(turn: Turn): Promise<void> {
  const { probes, backoff } = turn.service;
  // Also for speed: a joined signal is dear to the garbage collector, and a thousand services may come at once.
  if (probes.length === 0) return;
  tell(turn, "probing", probes.map(({ shown }) => shown).join(", "));
  const signal = AbortSignal.any([turn.stopping, turn.superseded]);
  await waitUntilHealthy(probes, backoff, { ...turn, signal });
}
