/**
 * Looking after services that nothing is changed for: whether they are still well, and still run on what they were given. They are asked
 * because something happened to them, and as long as they are ill.
 */
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { Incarnation } from "../reload/reload.ts";
import { pauseAfter } from "./backoff.ts";
import { noteHealthy, runOf } from "./healthy.ts";
import { isTouched, type ServicePlan } from "./plan.ts";
import type { Quarantine, ServiceRecord, StoredAction } from "./record.ts";
import type { Outcome, Turn } from "./turn.ts";
import { asError, firstComplaint } from "./verify.ts";

/** Something happened to a service, and so often it was asked since then and was not well. */
export interface Doubt {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly tries: number;
}

/** Whether this turn is one to look after the service in: there is nothing to write, and nothing to tell it. */
export function needsCare(plan: ServicePlan, record: ServiceRecord, doubt: Doubt | undefined): boolean {
  if (plan.verdict === "current") return doubt !== undefined || record.trouble?.code === "UNREACHABLE";
  const isWritten = !plan.outputs.some(isTouched);
  return plan.verdict === "apply" && record.ill && isWritten && plan.reload === undefined;
}

/**
 * One question. In doubt a service has the patience of its manifest to become well, and waits for the next question in no one's way:
 * many may be down at once, and changes of the others must get through. After that it is ill.
 */
export async function lookAfter(
  plan: ServicePlan,
  turn: Turn,
  doubt: Doubt | undefined,
): Promise<Outcome | Question | "current"> {
  const { ledger, service, clock } = turn;
  const record = ledger.record(service.name);
  const run = await runOf(turn);
  if (isOlder(run, record)) {
    ledger.update(service.name, { loaded: undefined, ill: true, retryAt: undefined, attempts: 0 });
    return { kind: "ask-again", after: 0, doubt: undefined };
  }
  const unwell = await askOnce(service.probes, turn, doubt);
  if (unwell !== undefined) return unwell;
  if (record.ill) {
    await noteHealthy(turn, { revision: turn.revision, digest: plan.digest, at: clock.now() });
    return { kind: "done" };
  }
  if (run !== undefined && run.id !== record.incarnation) ledger.update(service.name, { incarnation: run.id });
  return "current";
}

/**
 * The same for a service that runs on its last good state, because what is wanted of it failed and is held back: it is asked as that
 * state says. Undefined where that is all there is to say of it.
 */
export async function lookAfterHeld(turn: Turn, doubt: Doubt | undefined): Promise<Outcome | Question | undefined> {
  const { ledger, service, clock } = turn;
  const { quarantine, trouble, ill, actions } = ledger.record(service.name);
  if (quarantine === undefined) return undefined;
  const { refused, reason, code = "UNHEALTHY" } = quarantine;
  const wasUnwell = ill || trouble?.message !== reason;
  if (doubt === undefined && !wasUnwell) return undefined;
  const unwell = await askOnce(actions?.probes ?? [], turn, doubt);
  if (unwell?.kind === "retry") return { kind: "retry", error: besides(unwell.error, quarantine) };
  if (unwell !== undefined || !wasUnwell) return unwell;
  ledger.update(service.name, {
    ill: false,
    attempts: 0,
    refusals: 0,
    retryAt: undefined,
    trouble: { code, message: reason, at: clock.now() },
  });
  return { kind: refused ? "refused" : "rolled-back", error: new ConfigSyncError(code, reason) };
}

/** What is wrong with a service, and why it is not on what is wanted. */
export function besides(error: ConfigSyncError, quarantine: Quarantine | undefined): ConfigSyncError {
  if (quarantine === undefined) return error;
  const { refused, revision, reason } = quarantine;
  const held = `Besides, revision ${revision} was ${refused ? "refused" : "taken back"}: ${reason}`;
  return new ConfigSyncError(error.code, `${error.toText()}. ${held}`, { cause: error });
}

/** Undefined where the service is well. */
async function askOnce(
  probes: readonly StoredAction[],
  turn: Turn,
  doubt: Doubt | undefined,
): Promise<Outcome | Question | undefined> {
  try {
    const complaint = await firstComplaint(probes, turn.actions, turn.stopping);
    return complaint && judge(asError(complaint), turn, doubt);
  } catch (thrown) {
    return turn.stopping.aborted ? { kind: "superseded" } : judge(asConfigSyncError(thrown), turn, undefined);
  }
}

/** The next turn asks again, so many milliseconds later. */
export interface Question {
  readonly kind: "ask-again";
  readonly after: number;
  readonly doubt: Doubt | undefined;
}

/** Another run than the one that was told, and it began before our files were in place: it never read them. */
function isOlder(run: Incarnation | undefined, { incarnation, written }: ServiceRecord): boolean {
  if (run === undefined || incarnation === undefined || run.id === incarnation) return false;
  return run.startedAt < (written?.at ?? 0);
}

/** Where nobody could be asked the service is not ill, as far as is known. */
function judge(error: ConfigSyncError, { ledger, service, clock }: Turn, doubt: Doubt | undefined): Outcome | Question {
  if (doubt !== undefined) {
    const { since, tries } = { ...doubt, tries: doubt.tries + 1 };
    const after = pauseAfter(tries, service.backoff);
    if (clock.now() + after <= since + service.backoff.give_up)
      return { kind: "ask-again", after, doubt: { since, tries } };
  }
  if (error.code !== "UNREACHABLE") ledger.update(service.name, { ill: true });
  return { kind: "retry", error };
}

/** Whether news of the service are a reason not to wait for the next try: it was not there, or was not well without our doing. */
export function isHastened({ trouble, ill }: ServiceRecord): boolean {
  return trouble?.code === "UNREACHABLE" || ill;
}

/**
 * A service that refused to be told may have been started by somebody since its files were written: then it has read them, and is
 * only asked from now on.
 */
export async function noteOwnStart({ digest, keys, form }: ServicePlan, turn: Turn): Promise<boolean> {
  const { ledger, service } = turn;
  const { written } = ledger.record(service.name);
  const run = await runOf(turn);
  if (run === undefined || written?.digest !== digest || run.startedAt < written.at) return false;
  ledger.update(service.name, { loaded: written, keys, form, incarnation: run.id });
  return true;
}
