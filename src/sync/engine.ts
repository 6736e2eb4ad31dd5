/**
 * The engine: look at the sources, work out what each service should have, and bring every service there, for as long as it
 * takes. It acts on state only; whoever has news puts a name into the queue.
 */
import type { Door } from "../apps/door.ts";
import { type Change, diffSnapshots } from "../config/diff.ts";
import type { Snapshot } from "../config/layers.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { RevisionInfo } from "../history/history.ts";
import { confine } from "../platform/confine.ts";
import type { ActionContext } from "../platform/context.ts";
import { recoverWrites } from "../platform/safe-write.ts";
import { isAbout, type ThingHint } from "../platform/thing.ts";
import { within } from "../platform/within.ts";
import type { Service } from "../services/catalog.ts";
import type { Names, RenderedService } from "../services/render.ts";
import { createActions, thingsOf } from "./actions.ts";
import { editsToAdopt } from "./adopt.ts";
import type { Backoff } from "./backoff.ts";
import { watchDrift } from "./drift-watch.ts";
import { showChange, showProblem } from "./events.ts";
import { createKnownSecrets } from "./known-secrets.ts";
import { createLastGood } from "./last-good.ts";
import { followDependencies, invert } from "./order.ts";
import { createPace, type Settling } from "./pace.ts";
import { createQueue } from "./queue.ts";
import { isSamePlace, type Renderings, renderAll } from "./renderings.ts";
import { createTogether, findGroups } from "./together.ts";
import type { Shared } from "./turn.ts";
import { createTurns } from "./turns.ts";

export interface EngineParts extends Omit<Shared, "redact" | "actions"> {
  readonly connections: Pick<ActionContext, "docker" | "supervisord">;
  readonly door: Pick<Door, "look" | "change" | "revisions" | "read">;
  readonly services: readonly Service[];
  readonly names: Names;
  /** How many services are worked on side by side. */
  readonly parallel: number;
  /** Milliseconds between two looks at everything, whatever the watches say. */
  readonly lookEvery: number;
  /** The pauses between failed turns of a service. */
  readonly retry: Backoff;
  /** How long a burst of changes is waited for. */
  readonly settle: Settling;
}

export interface Engine {
  /** The first look: resolves when it has been taken and every service is queued. */
  readonly start: () => Promise<void>;
  /** There may be news in the sources. Resolves when they have been looked at. */
  readonly lookAgain: () => Promise<void>;
  /** The same, and every service is compared with what it should have. */
  readonly lookAtEverything: () => void;
  /** Something happened outside: the services that this is about are looked after. */
  readonly hint: (hint: ThingHint) => void;
  /** Reloads a service now, also one that is quarantined or has nothing to do. */
  readonly force: (service: string) => void;
  /** Tries what was given up for a service once more, and what waits for a later try now. */
  readonly retry: (service: string) => void;
  /** Resolves when no service is being worked on or queued; what rests from a burst of changes may go on resting. */
  readonly idle: () => Promise<void>;
  /** Resolves when nothing is left to do now; what waits for a retry does not count. */
  readonly settled: () => Promise<void>;
  /** Ends what runs, at the next step of each, and closes the ledger. */
  readonly stop: () => Promise<void>;
  readonly state: () => EngineState;
}

export interface EngineState {
  /** The newest good snapshot; undefined until there was one. */
  readonly snapshot: Snapshot | undefined;
  /** Why the sources cannot be used as they are; empty when all is well. */
  readonly problems: readonly ConfigSyncError[];
  readonly renderings: Renderings;
  /** The services that are being worked on. */
  readonly running: ReadonlySet<string>;
}

export function createEngine(parts: EngineParts): Engine {
  const { door, services, ledger, clock, emit } = parts;
  const stopping = new AbortController();
  let snapshot: Snapshot | undefined;
  let problems: readonly ConfigSyncError[] = [];
  let renderings: Renderings = new Map();
  let following: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let askedAgain = false;
  let soon: NodeJS.Timeout | undefined;
  let period: NodeJS.Timeout | undefined;

  const before = followDependencies(services);
  const dependents = invert(before);
  const names = services.map(({ name }) => name);
  const reloading = new Set(services.filter(tellsService).map(({ name }) => name));
  const queue = createQueue({
    run: async (name) => {
      await turns.take(name);
      const outputs = renderings.get(name)?.places ?? [];
      if (drift.lacks({ name, outputs })) followOutputsSoon();
    },
    parallel: parts.parallel,
    after: (name) => before.get(name) ?? [],
  });
  const lastGood = createLastGood(parts);
  const known = createKnownSecrets({ names, ledger, door });
  const rendering = (name: string) => renderings.get(name);
  const together = createTogether({ groups: findGroups(services), ledger, clock, rendering });
  const pace = createPace(parts.settle, clock);
  const turns = createTurns({
    ...parts,
    pace,
    together,
    rendering,
    adopt: async (drifted) => {
      if (drifted.length === 0) return;
      const paths = drifted.map(({ output }) => output.shownPath).join(", ");
      await door.change({ edits: drifted.flatMap(editsToAdopt), author: "drift", message: `adopted from ${paths}` });
      void lookAgain();
    },
    lastGood: lastGood.find,
    redact: known.redact,
    actions: createActions({ ...parts.connections, folder: parts.folder, redact: known.redact }),
    stopping: stopping.signal,
    queue,
    dependents: (name) => dependents.get(name) ?? [],
  });

  const start = async (): Promise<void> => {
    await lookAgain();
    followOutputs();
    period = setInterval(lookAtEverything, parts.lookEvery).unref();
  };

  const lookAtEverything = (): void => {
    void lookAgain();
    queue.add(...names);
    followOutputs();
  };

  const drift = watchDrift((hinted) => queue.add(...hinted), {
    roots: parts.roots,
    onTrouble: (text) => emit({ type: "mended", text }),
  });

  const followOutputs = (): void => {
    clearTimeout(following);
    following = undefined;
    drift.follow([...renderings].map(([name, { places }]) => ({ name, outputs: places })));
  };

  /** A thousand folders take longer to look up than the change that brought them here takes to be written. */
  const followOutputsSoon = (): void => {
    if (!stopping.signal.aborted) following ??= setTimeout(followOutputs, followAfter).unref();
  };

  const lookAgain = (): Promise<void> => {
    askedAgain = true;
    looking ??= lookWhileAsked()
      .catch((error: unknown) => report([asConfigSyncError(error).with({ retryable: true })]))
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };

  const lookWhileAsked = async (): Promise<void> => {
    while (askedAgain && !stopping.signal.aborted) {
      askedAgain = false;
      await look();
    }
  };

  const look = async (): Promise<void> => {
    const found = await door.look();
    if (stopping.signal.aborted) return;
    if (found.snapshot !== undefined) await takeUp(found.snapshot, found.revision);
    report(found.problems);
  };

  const takeUp = async (found: Snapshot, revision: RevisionInfo | undefined): Promise<void> => {
    if (found.hash === snapshot?.hash) {
      // The same values, perhaps on other lines.
      snapshot = found;
      takeUpRevision(found, revision, []);
      return;
    }
    const old = renderings;
    const changes = diffSnapshots(snapshot, found);
    const before =
      snapshot === undefined ? undefined : { renderings: old, changes, revision: ledger.revision()?.number };
    const rendered = renderAll(services, { ...parts, snapshot: found }, before);
    if (snapshot === undefined) await mendLeftovers(rendered);
    await known.takeUp(found);
    snapshot = found;
    renderings = rendered;
    takeUpRevision(found, revision, changes);
    const concerned = [...renderings].filter(([name, rendering]) => rendering !== old.get(name));
    for (const [name] of concerned) {
      turns.startAfresh(name);
      if (reloading.has(name)) pace.noteChange(name);
    }
    queue.add(...concerned.flatMap(([name]) => [name, ...together.mates(name)]));
    if (concerned.some(([name, { places }]) => !isSamePlace(places, old.get(name)?.places))) followOutputsSoon();
  };

  const report = (now: readonly ConfigSyncError[]): void => {
    clearTimeout(soon);
    if (now.some((problem) => problem.retryable)) soon = setTimeout(lookAgain, lookSoon).unref();
    const changed = describe(now) !== describe(problems);
    problems = now;
    if (changed)
      emit(now.length > 0 ? { type: "input-refused", problems: now.map(showProblem) } : { type: "input-healed" });
  };

  /** Where there is no history to number them, revisions are counted here. */
  const takeUpRevision = (taken: Snapshot, known: RevisionInfo | undefined, changes: readonly Change[]): void => {
    const last = ledger.revision();
    const number = known?.number ?? (last?.hash === taken.hash ? last.number : (last?.number ?? 0) + 1);
    if (last?.hash === taken.hash && last.number === number) return;
    const revision = { number, hash: taken.hash, at: known?.at ?? clock.now() };
    ledger.setRevision(revision);
    emit({ type: "revision", revision, changes: changes.map(showChange) });
  };

  /** What a crash left behind in the folders that we write into. */
  const mendLeftovers = async (rendered: Renderings): Promise<void> => {
    const folders = new Set(
      [...rendered.values()].flatMap(({ wanted }) => outputFolders(wanted?.service, parts.roots)),
    );
    for (const text of await recoverWrites(parts.journal, [...folders])) emit({ type: "mended", text });
  };

  return {
    start,
    lookAgain,
    lookAtEverything,
    hint: (hint) => {
      for (const [name, { wanted }] of renderings)
        if (wanted !== undefined && thingsOf(wanted.service).some((thing) => isAbout(hint, thing))) turns.doubt(name);
    },
    idle: queue.idle,
    force: (name) => {
      turns.force(name);
      queue.add(name);
    },
    retry: turns.retry,
    settled: async () => {
      for (let waiting: readonly string[] = []; ; ) {
        while (looking !== undefined) await looking;
        queue.add(...waiting);
        await queue.idle();
        waiting = pace.hurry();
        if (waiting.length === 0 && looking === undefined) return;
      }
    },
    stop: async () => {
      stopping.abort(new Error("config-sync stops"));
      clearInterval(period);
      clearTimeout(soon);
      clearTimeout(following);
      drift.close();
      // A source that is written without a pause is not waited for.
      await within(longestLook, looking);
      await queue.close();
      await ledger.close();
    },
    state: () => ({ snapshot, problems, renderings, running: turns.running() }),
  };
}

/** Milliseconds after a change until its outputs are watched. */
const followAfter = 200;

/** Milliseconds that a look has when the engine ends. */
const longestLook = 200;

/** Milliseconds until a source that could not be read is read again without a hint. */
const lookSoon = 500;

function tellsService({ reload }: Service): boolean {
  return reload.some(({ kind }) => kind.kind !== "none");
}

function describe(problems: readonly ConfigSyncError[]): string {
  return problems.map((problem) => problem.toText()).join("\n");
}

/** The real folders: behind symlinks, stagings stand beside the file that the link leads to. */
function outputFolders(service: RenderedService | undefined, roots: readonly string[]): string[] {
  return (service?.outputs ?? []).flatMap(({ path }) => {
    try {
      return confine(path, roots).folder;
    } catch {
      // Nothing was ever written there; the turn of the service says why.
      return [];
    }
  });
}
