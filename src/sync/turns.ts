/** Taking turns: one service, brought one step nearer to what is wanted, and what follows from how that ended. */
import { formatDuration } from "../config/coerce.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { RenderedService } from "../services/render.ts";
import { applyService } from "./apply.ts";
import { type Backoff, pauseAfter } from "./backoff.ts";
import { type Doubt, isHastened, lookAfter, lookAfterHeld, needsCare, noteOwnStart, type Question } from "./care.ts";
import type { Step } from "./events.ts";
import type { Pace } from "./pace.ts";
import type { OutputPlan, ServicePlan } from "./plan.ts";
import type { Queue } from "./queue.ts";
import type { Rendering, Wanted } from "./renderings.ts";
import { createSeen, stampOutputs } from "./seen.ts";
import { lookAndPlan } from "./survey.ts";
import type { Together } from "./together.ts";
import type { Outcome, Shared } from "./turn.ts";

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
  readonly startAfresh: (name: string, service: RenderedService | undefined) => void;
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
  const refused = new Map<string, string>();
  const begun = new Set<string>();
  const seen = createSeen();
  /** What was told of a service last that is found anew at every look: drift, and waiting. */
  const told = new Map<string, { readonly step: Step; readonly text: string }>();

  const take = async (name: string): Promise<void> => {
    const rendering = parts.rendering(name);
    if (rendering === undefined || parts.stopping.aborted) return;
    const { wanted, error } = rendering;
    if (error !== undefined) reportRefusal(name, error);
    if (wanted === undefined || waitsForRetry(name) || waitsForRest(name)) return;
    const { service } = wanted;
    const superseded = new AbortController();
    running.set(name, { fingerprint: service.fingerprint, superseded });
    try {
      const outcome = await work(wanted, superseded.signal);
      if (error === undefined && refused.delete(name) && outcome === "current") tell(name, "healthy", "again");
      if (outcome !== undefined && outcome !== "current") settle(name, outcome);
    } catch (thrown) {
      const problem = asConfigSyncError(thrown);
      if (problem.retryable || problem.code === "INTERNAL") return settle(name, { kind: "retry", error: problem });
      stopRetrying(name);
      reportRefusal(name, problem);
    } finally {
      running.delete(name);
    }
  };

  const work = async (wanted: Wanted, superseded: AbortSignal): Promise<Outcome | Question | "current" | undefined> => {
    const { service } = wanted;
    const isForced = forced.delete(service.name);
    const doubt = doubts.get(service.name);
    doubts.delete(service.name);
    if (!isForced) await together.align(service.name);
    if (!isForced && doubt === undefined && seen.isUnchanged(wanted, ledger.record(service.name))) return "current";
    const stamp = stampOutputs(service);
    const plan = await lookAndPlan(wanted, parts, isForced);
    if (plan.drifted.length > 0 && !isForced) await noteDrift(plan);
    else if (told.get(service.name)?.step === "drifted") told.delete(service.name);
    if (plan.verdict === "absent") {
      together.noteAbsent(service.name);
      return undefined;
    }
    const inGroup = together.mates(service.name).length > 0;
    const turn = { ...parts, service, revision: ledger.revision()?.number ?? 0, superseded, inGroup };
    if (plan.verdict === "quarantined") return lookAfterHeld(turn, doubt);
    if (!isForced && needsCare(plan, ledger.record(service.name), doubt)) {
      const outcome = await lookAfter(plan, turn, doubt);
      if (outcome !== "current") return outcome;
    }
    if (!isForced && plan.reload !== undefined && isEarly(service.name)) {
      // The news may be of our own last try: to tell the service before its time would go round in a circle with it.
      if (await noteOwnStart(plan, turn)) return { kind: "ask-again", after: 0, doubt };
      waitsForRetry(service.name);
      return undefined;
    }
    if (plan.verdict === "current") {
      forgetTrouble(service.name);
      noteCurrent(service);
      seen.remember(wanted, ledger.record(service.name), stamp);
      return "current";
    }
    if (plan.verdict === "apply" && !isForced && (waitsForOthers(service) || waitsForPace(plan, service)))
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
    const paths = drifted.map(({ output }) => output.shownPath).join(", ");
    const adoptable = drifted.filter(({ output }) => output.drift === "adopt");
    const refusal = await parts.adopt(adoptable).then(() => undefined, asConfigSyncError);
    tellOnce(service, "drifted", refusal === undefined ? paths : `${paths}; ${refusal.toText()}`);
  };

  /** In a burst of changes. Services that need no reload cost next to nothing and follow every change at once. */
  const waitsForRest = (name: string): boolean => {
    const rest = forced.has(name) ? 0 : parts.pace.untilTurn(name);
    if (rest > 0) queue.addAfter(name, rest);
    return rest > 0;
  };

  const waitsForPace = ({ drifted, reload }: ServicePlan, { name, reloadEvery }: RenderedService): boolean => {
    const sinceReload = clock.now() - (ledger.record(name).lastReload?.at ?? Number.NEGATIVE_INFINITY);
    const pause = Math.max(
      reload === undefined ? 0 : reloadEvery - sinceReload,
      drifted.length === 0 ? 0 : parts.pace.untilRepair(name),
    );
    if (pause <= 0) return false;
    queue.addAfter(name, pause);
    const why =
      drifted.length > 0
        ? "something changes its files again and again, so they are put right once a minute"
        : `it is reloaded no more than once in ${formatDuration(reloadEvery)}`;
    tellOnce(name, "waiting", why);
    return true;
  };

  const waitsForRetry = (name: string): boolean => {
    const record = ledger.record(name);
    const pause = (record.retryAt ?? 0) - clock.now();
    if (pause <= 0 || forced.has(name) || (doubts.has(name) && isHastened(record))) return false;
    queue.addAfter(name, pause);
    return true;
  };

  /** The turn comes before the time for the next try, and not because what was not there may be there now. */
  const isEarly = (name: string): boolean => {
    const { retryAt = 0, trouble } = ledger.record(name);
    return retryAt > clock.now() && trouble?.code !== "UNREACHABLE";
  };

  /** A service is not moved while one that it needs is down: its probe would blame the wrong change. */
  const waitsForOthers = ({ name, dependsOn }: RenderedService): boolean => {
    const isDown = (other: string): boolean =>
      ledger.record(other).retryAt !== undefined && parts.rendering(other) !== undefined;
    const down = dependsOn.find(isDown) ?? together.awaited(name);
    if (down === undefined) return false;
    tellOnce(name, "waiting", `waits for ${down}`);
    return true;
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

  /**
   * What cannot be rendered, or not be merged into the file that is there, is told once. What was wanted before stays wanted, and
   * every look looks again.
   */
  const reportRefusal = (name: string, error: ConfigSyncError): void => {
    const message = parts.redact(error.toText());
    if (message !== refused.get(name)) tell(name, "refused", message);
    refused.set(name, message);
  };

  const startAfresh = (name: string, service: RenderedService | undefined): void => {
    const turn = running.get(name);
    if (turn !== undefined && turn.fingerprint !== service?.fingerprint) turn.superseded.abort(new Error("superseded"));
    stopRetrying(name);
    if (service?.reload.some(({ action }) => action.kind !== "none")) parts.pace.noteChange(name);
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

  const tellOnce = (service: string, step: Step, text: string): void => {
    const last = told.get(service);
    if (last?.step === step && last.text === text) return;
    tell(service, step, text);
    told.set(service, { step, text });
  };

  const tell = (service: string, step: Step, text: string): void => {
    told.delete(service);
    parts.emit({ type: "service", service, step, text });
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
