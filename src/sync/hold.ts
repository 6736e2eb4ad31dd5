/**
 * A service that runs on its last good state, because what is wanted of it failed and is held back. It is kept there: what somebody
 * does to its files is put right, or told of, as its manifest says, and what failed is not tried again for that.
 */
import { asConfigSyncError } from "../errors.ts";
import { confine } from "../platform/confine.ts";
import { commitFiles, discardFiles, type Staged } from "../platform/safe-write.ts";
import type { RenderedService } from "../services/render.ts";
import { describeWrites } from "./apply.ts";
import { besides, type Doubt, lookAfterHeld, type Question } from "./care.ts";
import { stageOutput } from "./files.ts";
import type { LastGood } from "./last-good.ts";
import type { Pace } from "./pace.ts";
import { isTouched, type ServicePlan } from "./plan.ts";
import { lookAndPlan } from "./survey.ts";
import { type Outcome, type Turn, tell } from "./turn.ts";
import { isUnmergeable } from "./unmergeable.ts";
import type { Waiting } from "./waiting.ts";

export interface Holding {
  readonly lastGood: LastGood["find"];
  readonly waits: Waiting;
  readonly pace: Pick<Pace, "noteRepair">;
  readonly noteDrift: (plan: ServicePlan) => Promise<void>;
}

/** A turn of such a service. Undefined where there is nothing to do and nothing to say. */
export async function hold(
  turn: Turn,
  doubt: Doubt | undefined,
  { lastGood, waits, pace, noteDrift }: Holding,
): Promise<Outcome | Question | undefined> {
  const { name } = turn.service;
  if (isMended(turn)) {
    turn.ledger.update(name, { quarantine: undefined });
    return { kind: "ask-again", after: 0, doubt };
  }
  const plan = await planLastGood(turn, lastGood);
  if (plan !== undefined) await noteDrift(plan);
  if (plan === undefined || isThere(plan)) return lookAfterHeld(turn, doubt);
  if ((waits.isEarly(name) && waits.forRetry(name)) || waits.forPace(plan, turn.service)) return undefined;
  if (plan.drifted.length > 0) pace.noteRepair(name);
  return bringBack(plan, turn);
}

/** Where not what is wanted was to blame but what was found there, and that is another by now: a plan could be made. */
function isMended(turn: Turn): boolean {
  const { quarantine } = turn.ledger.record(turn.service.name);
  if (quarantine === undefined) return false;
  return isUnmergeable(quarantine) || (quarantine.code === "PATH_FORBIDDEN" && isAllowed(turn.service, turn.roots));
}

function isAllowed({ outputs }: RenderedService, roots: readonly string[]): boolean {
  try {
    for (const { path } of outputs) confine(path, roots);
    return true;
  } catch {
    return false;
  }
}

/** Undefined where what is found is not what the service was healthy on: other templates, another environment. */
async function planLastGood(turn: Turn, lastGood: LastGood["find"]): Promise<ServicePlan | undefined> {
  const found = await lastGood(turn.service.name);
  if (found === undefined || !isAllowed(found.service, turn.roots)) return undefined;
  const known = turn.ledger.record(turn.service.name);
  // What it has not loaded is owed, as to a service that is ill. That it is ill otherwise is not for a plan to mend.
  const record = { ...known, quarantine: undefined, ill: known.loaded?.digest !== known.healthy?.digest };
  const plan = await lookAndPlan(found, { ledger: { record: () => record }, digest: turn.digest });
  return plan.digest === record.healthy?.digest && plan.digest === record.written?.digest ? plan : undefined;
}

function isThere({ reload, outputs }: ServicePlan): boolean {
  return reload === undefined && !outputs.some(isTouched);
}

/** The files as they were, and the service told. Then it is asked whether it is well, with the patience of its manifest. */
async function bringBack(plan: ServicePlan, turn: Turn): Promise<Outcome | Question> {
  const { ledger, service, clock } = turn;
  const changes = plan.outputs.filter(isTouched);
  const staged: Staged[] = [];
  try {
    if (changes.length > 0) tell(turn, "writing", describeWrites(changes, plan.why));
    for (const change of changes) staged.push(await stageOutput(change, turn));
    // Whoever looks after a crash must know that the service was not told yet.
    if (plan.reload !== undefined) ledger.update(service.name, { loaded: undefined });
    await ledger.flush();
    await commitFiles(staged);
    await load(plan, turn);
  } catch (thrown) {
    await discardFiles(staged);
    if (turn.stopping.aborted) return { kind: "superseded" };
    const error = asConfigSyncError(thrown, "WRITE_FAILED");
    return { kind: "retry", error: besides(error, ledger.record(service.name).quarantine) };
  }
  return { kind: "ask-again", after: 0, doubt: { since: clock.now(), tries: 0 } };
}

async function load({ reload }: ServicePlan, { ledger, service, clock, actions, ...turn }: Turn): Promise<void> {
  if (reload === undefined) return;
  const { shown } = reload;
  const at = clock.now();
  turn.emit({ type: "service", service: service.name, step: "reloading", text: shown });
  await actions.reload(reload, turn.stopping);
  const lastReload = { at, took: clock.now() - at, shown };
  ledger.update(service.name, { loaded: ledger.record(service.name).healthy, incarnation: undefined, lastReload });
}
