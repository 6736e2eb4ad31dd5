/** The daemon: a workspace under an engine, from taking the workspace over until the last step is done. */
import { join } from "node:path";
import { type ControlHandlers, serveControl } from "./api/control-server.ts";
import { asConfigSyncError, ConfigSyncError } from "./errors.ts";
import { memoryKeeper } from "./platform/memory.ts";
import type { Engine } from "./sync/engine.ts";
import type { SyncEvent } from "./sync/events.ts";
import { type Ledger, openLedger } from "./sync/ledger.ts";
import { inOrder } from "./sync/order.ts";
import { reportStatus, type StatusReport } from "./sync/status.ts";
import { surveyServices } from "./sync/survey.ts";
import { version } from "./version.ts";
import { buildEngine, type Workspace } from "./workspace.ts";

export interface Daemon {
  readonly engine: Engine;
  readonly status: () => Promise<StatusReport>;
  /** Looks at everything again, or reloads one service, and resolves when nothing is left to do. */
  readonly apply: (emit: (event: SyncEvent) => void, service?: string) => Promise<void>;
  /** Ends the running steps in order and gives the workspace free. */
  readonly stop: () => Promise<void>;
}

export interface DaemonOptions {
  readonly emit: (event: SyncEvent) => void;
  /** False for one pass without watches. */
  readonly watch?: boolean;
}

/** Milliseconds; what happens meanwhile is told together. */
const tellAfter = 5;

/** The control socket of a workspace, by its state folder. */
export function controlSocket(state: string): string {
  return join(state, "daemon.sock");
}

/**
 * Takes the workspace over and starts the engine on it. Resolves after the first look at the sources. Throws DAEMON_RUNNING
 * when another process has the workspace.
 */
export async function startDaemon(workspace: Workspace, options: DaemonOptions): Promise<Daemon> {
  // A command may knock before the first look is over: it waits for the answer.
  const ready = Promise.withResolvers<Daemon>();
  ready.promise.catch(() => undefined);
  const control = await takeOver(workspace, {
    status: async () => (await ready.promise).status(),
    apply: async (emit) => (await ready.promise).apply(emit),
    reload: async (service, emit) => (await ready.promise).apply(emit, service),
  });
  try {
    const daemon = await run(workspace, options, control);
    ready.resolve(daemon);
    return daemon;
  } catch (error) {
    ready.reject(error);
    await control[Symbol.asyncDispose]();
    throw error;
  }
}

async function takeOver({ settings }: Workspace, handlers: ControlHandlers): Promise<AsyncDisposable> {
  try {
    return await serveControl(controlSocket(settings.state), handlers);
  } catch (error) {
    throw asStateError(error, settings.state);
  }
}

async function run(
  workspace: Workspace,
  { emit, watch = true }: DaemonOptions,
  control: AsyncDisposable,
): Promise<Daemon> {
  const since = Date.now();
  const listeners = new Set<(event: SyncEvent) => void>([emit]);
  const noteWork = memoryKeeper();
  // Telling comes after doing: a line that is printed first holds up the change by as much, and so does one that is printed just
  // when the disk has answered.
  let untold: SyncEvent[] = [];
  const tellAll = (): void => {
    const events = untold;
    untold = [];
    for (const event of events) for (const listener of listeners) listener(event);
    if (watch) noteWork(events.length);
  };
  const tell = (event: SyncEvent): void => {
    if (untold.push(event) === 1) setTimeout(tellAll, tellAfter);
  };
  const ledger = await openState(workspace);
  for (const text of ledger.mended) tell({ type: "mended", text });
  const engine = buildEngine(workspace, ledger, tell);
  const unwatched = (text: string): void => tell({ type: "unwatched", text });
  const stopWatching = watch ? await workspace.app.watch(engine.lookAgain, unwatched) : undefined;
  await engine.start();

  const status = async (): Promise<StatusReport> => {
    const { problems, renderings, running } = engine.state();
    const { digest, settings } = workspace;
    const surveyed = await surveyServices(renderings, { ledger, digest, roots: settings.roots });
    const names = inOrder(workspace.services);
    return reportStatus({ daemon: { pid: process.pid, since, version }, names, ledger, problems, surveyed, running });
  };

  const apply = async (listener: (event: SyncEvent) => void, service?: string): Promise<void> => {
    if (service !== undefined) requireService(workspace, service);
    listeners.add(listener);
    try {
      if (service === undefined) engine.lookAtEverything();
      else engine.force(service);
      await engine.settled();
    } finally {
      tellAll();
      listeners.delete(listener);
    }
  };

  const stop = async (): Promise<void> => {
    try {
      await stopWatching?.();
      await engine.stop();
    } finally {
      tellAll();
      await control[Symbol.asyncDispose]();
    }
  };

  return { engine, status, apply, stop };
}

async function openState(workspace: Workspace): Promise<Ledger> {
  try {
    await workspace.keepKey();
    return await openLedger(workspace.ledgerFile);
  } catch (error) {
    throw asStateError(error, workspace.settings.state);
  }
}

/** What the system says of the state folder, in our words. */
function asStateError(error: unknown, state: string): ConfigSyncError {
  const { code, message, hint } = asConfigSyncError(error, "STATE_UNUSABLE");
  if (code !== "STATE_UNUSABLE" && code !== "WRITE_FAILED") return asConfigSyncError(error);
  return new ConfigSyncError("STATE_UNUSABLE", `the state folder ${state} cannot be used: ${message}`, {
    hint: hint ?? "Look at its owner and mode, or name another one under state in config-sync.yaml",
    cause: error,
  });
}

/** Throws NOT_FOUND for a service that is not enabled, with the names of those that are. */
export function requireService({ settings }: Workspace, service: string): void {
  if (settings.services.includes(service)) return;
  throw new ConfigSyncError("NOT_FOUND", `there is no service "${service}" here`, {
    hint: `Those under services in config-sync.yaml are: ${settings.services.join(", ")}`,
  });
}
