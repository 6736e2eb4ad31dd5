/** Taking turns: one service, brought one step nearer to what is wanted, and what follows from how that ended. */
import { formatDuration } from "../config/coerce.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { RenderedService } from "../services/render.ts";
import { applyService } from "./apply.ts";
import { type Backoff, pauseAfter } from "./backoff.ts";
import { type Doubt, lookAfter, needsCare, noteOwnStart, type Question } from "./care.ts";
import { hold } from "./hold.ts";
import type { LastGood } from "./last-good.ts";
import type { Pace } from "./pace.ts";
import type { OutputPlan, ServicePlan } from "./plan.ts";
import type { Queue } from "./queue.ts";
import type { Rendering, Wanted } from "./renderings.ts";
import { createSeen, stampOutputs } from "./seen.ts";
import type { Together } from "./together.ts";
import { createTold } from "./told.ts";
import type { Outcome, Shared, Turn } from "./turn.ts";
import { planOrRefuse } from "./unmergeable.ts";
import { createWaiting } from "./waiting.ts";

export interface TurnParts extends Shared {
  readonly stopping: AbortSignal;
  /** The pauses between failed turns of a service. */
  readonly retry: Backoff;
  /** What is wanted just now. */
  readonly rendering: (name: string) => Rendering | undefined;
  readonly pace: Pace;
  readonly together: Together;
  /** Takes changed values of outputs over into the sources. Throws what stands against it. */
  readonly adopt: (drifted: readonly OutputPlan[]) => Promise<void>;
  readonly lastGood: LastGood["find"];
  readonly queue: Pick<Queue, "add" | "addAfter">;
  readonly dependents: (name: string) => readonly string[];
}

export interface Turns {
  /** One turn. Never rejects: how it ended is in the ledger and in the events. */
  readonly take: (name: string) => Promise<void>;
  /** The next turn reloads, whatever the ledger says. */
  readonly force: (name: string) => void;
  /** Something happened to the service: the next turn looks whether it is well. */
  readonly doubt: (name: string) => void;
  /** The next turn tries what was given up, and waits for nothing. */
  readonly retry: (name: string) => void;
  /** Something else is wanted now: old failures say nothing about it, and a wait for health on the old is over. */
  readonly startAfresh: (name: string) => void;
  /** Who has a turn, or is between two questions whether it is well. */
  readonly running: () => ReadonlySet<string>;
}

interface Running {
  readonly fingerprint: string;
  readonly superseded: AbortController;
}

export function createTurns(parts: TurnParts): Turns {
  const { ledger, clock, queue, together } = parts;
  const running = new Map<string, Running>();
  const forced = new Set<string>();
  const doubts = new Map<string, Doubt>();
  const begun = new Set<string>();
  const seen = createSeen();
  const { tell, tellOnce, driftIsOver, tellRefusal, refusalIsOver } = createTold(parts.emit, parts.redact);
  const waits = createWaiting({
    ...parts,
    tellOnce,
    isForced: (name) => forced.has(name),
    isDoubted: (name) => doubts.has(name),
  });

  const take = async (name: string): Promise<void> => {
    const rendering = parts.rendering(name);
    if (rendering === undefined || parts.stopping.aborted) return;
    // Before anything of it is rendered: in a burst the next values may come sooner than the turn.
    if (waits.forRetry(name) || waits.forRest(name)) return;
    const { wanted, error } = rendering;
    // Now: while the turn looks around, newer values may come, and these are not of them.
    const revision = rendering.revision ?? ledger.revision()?.number ?? 0;
    if (error !== undefined) tellRefusal(name, error);
    if (wanted === undefined) return;
    const { service } = wanted;
    const superseded = new AbortController();
    running.set(name, { fingerprint: service.fingerprint, superseded });
    try {
      const outcome = await work(wanted, { revision, superseded: superseded.signal });
      if (error === undefined && refusalIsOver(name) && outcome === "current") tell(name, "healthy", "again");
      if (outcome !== undefined && outcome !== "current") settle(name, outcome);
    } catch (thrown) {
      const problem = asConfigSyncError(thrown);
      if (problem.retryable || problem.code === "INTERNAL") return settle(name, { kind: "retry", error: problem });
      stopRetrying(name);
      tellRefusal(name, problem);
    } finally {
      running.delete(name);
    }
  };

  const work = async (
    wanted: Wanted,
    { revision, superseded }: Pick<Turn, "revision" | "superseded">,
  ): Promise<Outcome | Question | "current" | undefined> => {
    const { service } = wanted;
    const isForced = forced.delete(service.name);
    const doubt = doubts.get(service.name);
    doubts.delete(service.name);
    if (!isForced) await together.align(service.name);
    if (!isForced && doubt === undefined && seen.isUnchanged(wanted, ledger.record(service.name))) return "current";
    const stamp = stampOutputs(service);
    const inGroup = together.mates(service.name).length > 0;
    const turn = { ...parts, service, revision, superseded, inGroup };
    const { plan, outcome: ended } = await planOrRefuse(wanted, turn, { forced: isForced, doubt });
    if (plan === undefined) return ended;
    if (!isForced && plan.verdict !== "quarantined") await noteDrift(plan);
    if (plan.verdict === "absent") {
      together.noteAbsent(service.name);
      return undefined;
    }
    if (plan.verdict === "quarantined") return hold(turn, doubt, { ...parts, waits, noteDrift });
    if (!isForced && needsCare(plan, ledger.record(service.name), doubt)) {
      const outcome = await lookAfter(plan, turn, doubt);
      if (outcome !== "current") return outcome;
    }
    if (!isForced && plan.reload !== undefined && waits.isEarly(service.name)) {
      // The news may be of our own last try: to tell the service before its time would go round in a circle with it.
      if (await noteOwnStart(plan, turn)) return { kind: "ask-again", after: 0, doubt };
      waits.forRetry(service.name);
      return undefined;
    }
    if (plan.verdict === "current") {
      forgetTrouble(service.name);
      noteCurrent(service);
      seen.remember(wanted, ledger.record(service.name), stamp);
      return "current";
    }
    if (plan.verdict === "apply" && !isForced && (waits.forOthers(service) || waits.forPace(plan, service)))
      return undefined;
    if (plan.drifted.length > 0) parts.pace.noteRepair(service.name);
    return applyService(plan, turn);
  };

  const noteCurrent = ({ name, fingerprint }: RenderedService): void => {
    if (together.mates(name).length === 0) return;
    if (ledger.record(name).healthyOn !== fingerprint) ledger.update(name, { healthyOn: fingerprint });
    together.noteWell(name);
  };

  /** What the manifest says to repair is repaired by the turn that goes on. */
  const noteDrift = async ({ service, drifted }: ServicePlan): Promise<void> => {
    if (drifted.length === 0) return driftIsOver(service);
    const paths = drifted.map(({ output }) => output.shownPath).join(", ");
    const adoptable = drifted.filter(({ output }) => output.drift === "adopt");
    const refusal = await parts.adopt(adoptable).then(() => undefined, asConfigSyncError);
    tellOnce(service, "drifted", refusal === undefined ? paths : `${paths}; ${refusal.toText()}`);
  };

  const stopRetrying = (name: string): void => {
    const { retryAt, attempts } = ledger.record(name);
    if (retryAt !== undefined || attempts > 0) ledger.update(name, unhurried);
  };

  const forgetTrouble = (name: string): void => {
    const { trouble, retryAt, attempts, quarantine } = ledger.record(name);
    if (trouble === undefined && retryAt === undefined && attempts === 0 && quarantine === undefined) return;
    ledger.update(name, { ...unworried, quarantine: undefined });
    queue.add(...parts.dependents(name));
  };

  const settle = (name: string, outcome: Outcome | Question): void => {
    switch (outcome.kind) {
      case "superseded":
        return;
      case "ask-again":
        if (outcome.doubt !== undefined) doubts.set(name, outcome.doubt);
        queue.addAfter(name, outcome.after);
        return;
      case "retry":
        retryLater(name, outcome.error);
        return;
      case "refused":
        refuse(name, outcome.error);
        break;
      case "rolled-back":
        tell(name, "rolled-back", outcome.error.message);
        break;
      case "done":
        tell(name, "healthy", `on revision ${ledger.record(name).healthy?.revision ?? 0}`);
        together.noteWell(name);
    }
    queue.add(...parts.dependents(name), ...together.mates(name));
  };

  const retryLater = (name: string, error: ConfigSyncError): void => {
    const attempts = ledger.record(name).attempts + 1;
    const pause = pauseAfter(attempts, parts.retry);
    const at = clock.now();
    const message = parts.redact(error.toText());
    ledger.update(name, { attempts, retryAt: at + pause, trouble: { code: error.code, message, at } });
    queue.addAfter(name, pause);
    tell(name, "waiting", `${message}; again in ${formatDuration(pause)}`);
  };

  const refuse = (name: string, error: ConfigSyncError): void => {
    const message = parts.redact(error.toText());
    ledger.update(name, { ...unhurried, trouble: { code: error.code, message, at: clock.now() } });
    tell(name, "refused", message);
    // It is quarantined now. A turn before this one may have left the service half way: then it goes back to where it was healthy.
    if (ledger.record(name).undo !== undefined) queue.add(name);
  };

  const startAfresh = (name: string): void => {
    const turn = running.get(name);
    if (turn !== undefined && turn.fingerprint !== parts.rendering(name)?.wanted?.service.fingerprint)
      turn.superseded.abort(new Error("superseded"));
    stopRetrying(name);
    if (!begun.has(name)) forgetRefusal(name);
    begun.add(name);
  };

  /** Since the last start the settings, the manifest or the machine may have become others, and to be refused again costs nothing. */
  const forgetRefusal = (name: string): void => {
    if (ledger.record(name).quarantine?.refused === true) ledger.update(name, { quarantine: undefined });
  };

  const retry = (name: string): void => {
    ledger.update(name, { ...unworried, quarantine: undefined });
    queue.add(name, ...together.mates(name));
  };

  /** Who is in doubt already is not given new patience: a service that ends again and again would never be called ill. */
  const doubt = (name: string): void => {
    if (!doubts.has(name)) doubts.set(name, { since: clock.now(), tries: 0 });
    queue.add(name);
  };

  return {
    take,
    startAfresh,
    force: (name) => void forced.add(name),
    doubt,
    retry,
    running: () => new Set([...running.keys(), ...[...doubts].flatMap(([name, { tries }]) => (tries > 0 ? name : []))]),
  };
}

const unhurried = { retryAt: undefined, attempts: 0, refusals: 0 };
const unworried = { ...unhurried, trouble: undefined };
