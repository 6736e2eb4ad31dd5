/**
 * The daemon: what belongs to the process (control socket, listeners), and in it one workspace after the other under an engine, from
 * taking the state folder over until the last step is done.
 */
import { join } from "node:path";
import { type ControlHandlers, serveControl } from "./api/control-server.ts";
import { asStateError, type Running, runWorkspace } from "./daemon/running.ts";
import { createSuccession, type Reread, type Succession } from "./daemon/succession.ts";
import { createTelling, type Telling } from "./daemon/telling.ts";
import { ConfigSyncError } from "./errors.ts";
import type { Engine } from "./sync/engine.ts";
import type { Emit } from "./sync/events.ts";
import { inOrder } from "./sync/order.ts";
import { reportStatus, type StatusReport } from "./sync/status.ts";
import { surveyServices } from "./sync/survey.ts";
import { version } from "./version.ts";
import type { Workspace } from "./workspace.ts";

export type { Reread } from "./daemon/succession.ts";

/** What the control socket can ask for, each resolved when nothing is left to do; and what only the process asks for. */
export interface Daemon extends ControlHandlers {
  /** Reads settings, manifests and templates again; `onReread` tells how that ended. What cannot be used leaves all as it is. */
  readonly reread: () => void;
  /** Ends the running steps in order and gives the workspace free. */
  readonly stop: () => Promise<void>;
}

export interface DaemonOptions {
  readonly emit: Emit;
  readonly onReread?: (outcome: Reread) => void;
  /** False for one pass without watches. */
  readonly watch?: boolean;
}

/** The control socket of a workspace, by its state folder. */
export function controlSocket(state: string): string {
  return join(state, "daemon.sock");
}

/**
 * Takes the workspace over and starts the engine on it. Resolves after the first look at the sources. Throws DAEMON_RUNNING
 * when another process has the workspace.
 */
export async function startDaemon(
  workspace: Workspace,
  { emit, onReread = () => undefined, watch = true }: DaemonOptions,
): Promise<Daemon> {
  const telling = createTelling(emit, watch);
  const run = (one: Workspace): Promise<Running> => runWorkspace(one, { tell: telling.tell, watch });
  // A command may knock before the first look is over: it waits for the answer.
  const first = Promise.withResolvers<Running>();
  first.promise.catch(() => undefined);
  const succession = createSuccession(first.promise, { run, onReread });
  const handlers = handleCommands(succession, telling);
  const control = await takeOver(workspace, handlers);
  try {
    first.resolve(await run(workspace));
  } catch (error) {
    first.reject(error);
    await control[Symbol.asyncDispose]();
    throw error;
  }

  const stop = async (): Promise<void> => {
    try {
      await succession.stop();
    } finally {
      telling.tellAll();
      await control[Symbol.asyncDispose]();
    }
  };

  return { ...handlers, reread: succession.reread, stop };
}

async function takeOver({ settings }: Workspace, handlers: ControlHandlers): Promise<AsyncDisposable> {
  try {
    return await serveControl(controlSocket(settings.state), handlers);
  } catch (error) {
    throw asStateError(error, settings.state);
  }
}

function handleCommands(succession: Succession, telling: Telling): ControlHandlers {
  const since = Date.now();

  const status = async (): Promise<StatusReport> => {
    const { workspace, engine, ledger } = await succession.current();
    const { problems, renderings, running } = engine.state();
    const { digest, settings } = workspace;
    const surveyed = await surveyServices(renderings, { ledger, digest, roots: settings.roots });
    return reportStatus({
      daemon: { pid: process.pid, since, version },
      names: inOrder(workspace.services),
      problems: [...succession.problems(), ...problems],
      ...{ ledger, surveyed, running },
    });
  };

  /** Where the workspace is replaced in the middle, the one that comes is asked for the same. */
  const work = async (emit: Emit, ask: (engine: Engine, workspace: Workspace) => void): Promise<void> => {
    using _listening = telling.listen(emit);
    for (let asked: Running | undefined; ; ) {
      const running = await succession.current();
      if (running === asked) return;
      asked = running;
      ask(running.engine, running.workspace);
      await running.engine.settled();
    }
  };

  return {
    status,
    apply: (emit) => work(emit, (engine) => engine.lookAtEverything()),
    reload: (service, emit) =>
      work(emit, (engine, workspace) => {
        requireService(workspace, service);
        engine.force(service);
      }),
    retry: (service, emit) =>
      work(emit, (engine, workspace) => {
        requireService(workspace, service);
        engine.retry(service);
      }),
  };
}

/** Throws NOT_FOUND for a service that is not enabled, with the names of those that are. */
export function requireService({ settings }: Workspace, service: string): void {
  if (settings.services.includes(service)) return;
  throw new ConfigSyncError("NOT_FOUND", `there is no service "${service}" here`, {
    hint: `Those under services in config-sync.yaml are: ${settings.services.join(", ")}`,
  });
}
