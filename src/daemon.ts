/**
 * The daemon: what belongs to the process (control socket, listeners), and in it one workspace after the other under an engine, from
 * taking the state folder over until the last step is done.
 */
import { type Commands, type ControlHandlers, serveControl } from "./api/control-server.ts";
import type { AnswerEvent } from "./api/http/answer-log.ts";
import type { ApiParts, HttpSettings } from "./api/http/parts.ts";
import type { Link } from "./audit/entry.ts";
import { parsePath } from "./config/path.ts";
import { reveal } from "./config/secret.ts";
import type { ApiContext } from "./daemon/api-parts.ts";
import { createAuditing, recordCommands } from "./daemon/auditing.ts";
import { controlSocket } from "./daemon/control-socket.ts";
import { createDaemonApi } from "./daemon/http.ts";
import { asStateError, type Running, runWorkspace } from "./daemon/running.ts";
import { createSuccession, type Reread, type Succession } from "./daemon/succession.ts";
import { createTelling, type Telling } from "./daemon/telling.ts";
import { asConfigSyncError, ConfigSyncError } from "./errors.ts";
import { once } from "./platform/once.ts";
import { within } from "./platform/within.ts";
import type { Engine } from "./sync/engine.ts";
import type { Emit } from "./sync/events.ts";
import { inOrder } from "./sync/order.ts";
import { reportStatus, type StatusReport } from "./sync/status.ts";
import { surveyServices } from "./sync/survey.ts";
import { version } from "./version.ts";
import type { Workspace } from "./workspace.ts";

export { controlSocket } from "./daemon/control-socket.ts";
export type { Reread } from "./daemon/succession.ts";

/** What the control socket can ask for, each resolved when nothing is left to do; and what only the process asks for. */
export interface Daemon extends Commands {
  /** Reads settings, manifests and templates again; `onReread` tells how that ended. What cannot be used leaves all as it is. */
  readonly reread: () => void;
  /** Ends the running steps in order and gives the workspace free. */
  readonly stop: () => Promise<void>;
}

export interface DaemonOptions {
  readonly emit: Emit;
  readonly onReread?: (outcome: Reread) => void;
  readonly onApi?: (event: ApiEvent) => void;
  /** False for one pass without watches. */
  readonly watch?: boolean;
  /** False where the HTTP API shall listen nowhere, whatever the settings say; the control socket answers all the same. */
  readonly listen?: boolean;
  /** Whether a first key is made where nobody is known yet: `onApi` gets it, and must show it. */
  readonly makesAdmin?: boolean;
}

/** What the HTTP API has to tell. */
export type ApiEvent =
  | AnswerEvent
  | { readonly type: "listening"; readonly addresses: readonly string[] }
  | { readonly type: "cannot-listen"; readonly error: ConfigSyncError }
  /** How far the audit log goes, at the start and at the end: kept elsewhere, it proves that nothing before it was made anew. */
  | ({ readonly type: "audit-head" } & Link)
  /** The first key of all, to be shown this once. */
  | { readonly type: "admin-key"; readonly key: string };

/**
 * Takes the workspace over and starts the engine on it. Resolves after the first look at the sources. Throws DAEMON_RUNNING
 * when another process has the workspace.
 */
export async function startDaemon(
  workspace: Workspace,
  {
    emit,
    onReread = () => undefined,
    onApi = () => undefined,
    watch = true,
    listen = watch,
    makesAdmin = false,
  }: DaemonOptions,
): Promise<Daemon> {
  const since = Date.now();
  const telling = createTelling(emit, watch);
  let latest: Running | undefined;
  const tellTrouble = (text: string): void => onApi({ type: "trouble", text });
  const auditing = createAuditing({
    state: workspace.settings.state,
    snapshot: () => latest?.door.current().snapshot,
    onTrouble: tellTrouble,
  });
  /** What the last process could not put on record any more. */
  const catchUp = async ({ door }: Running): Promise<void> => {
    const { recordUnrecorded } = await import("./daemon/unrecorded.ts");
    await recordUnrecorded(door, { state: workspace.settings.state, append: auditing.append, since });
  };
  const tellAuditHead = async (): Promise<void> => {
    // What cannot be read now is no reason not to begin, or not to end: `audit verify` says what is wrong with it.
    const head = await auditing.head().catch(() => undefined);
    if (head !== undefined) onApi({ type: "audit-head", ...head });
  };
  const run = async (one: Workspace): Promise<Running> => {
    latest = await runWorkspace(one, { tell: telling.tell, auditing, watch });
    return latest;
  };
  // A command may knock before the first look is over: it waits for the answer.
  const first = Promise.withResolvers<Running>();
  first.promise.catch(() => undefined);
  const succession = createSuccession(first.promise, {
    run,
    onReread: (outcome) => {
      onReread(outcome);
      if (outcome.kind === "taken" && watch) void api.open(whereToListen(outcome.workspace));
    },
  });
  const whereToListen = ({ settings: { api } }: Workspace): HttpSettings => (listen ? api : { ...api, listen: [] });
  const commands = handleCommands(succession, telling);
  const parts = once(async () => {
    await first.promise;
    await tellAuditHead();
    return openApiParts(() => latest, { commands, listen: telling.listen, append: auditing.append, onApi, makesAdmin });
  });
  const api = createDaemonApi({
    parts,
    settings: workspace.settings.api,
    onListening: (addresses) => onApi({ type: "listening", addresses }),
    onTrouble: (error) => onApi({ type: "cannot-listen", error }),
  });
  const control = await takeOver(workspace, {
    ...recordCommands(commands, auditing.append),
    api: api.answer,
  });
  try {
    const running = await run(workspace);
    first.resolve(running);
    // What the services wait for comes first: loading the API takes as long as ten changes.
    const worked = within(firstWork, running.engine.settled());
    if (listen) void worked.then(() => api.open(whereToListen(workspace)));
    void worked.then(() => catchUp(running)).catch((error: unknown) => tellTrouble(asConfigSyncError(error).message));
  } catch (error) {
    first.reject(error);
    await control[Symbol.asyncDispose]();
    throw error;
  }

  const stop = async (): Promise<void> => {
    try {
      await Promise.all([api.close(), succession.stop()]);
    } finally {
      telling.tellAll();
      await auditing.settled();
      await tellAuditHead();
      await control[Symbol.asyncDispose]();
    }
  };

  return { ...commands, reread: succession.reread, stop };
}

/** Milliseconds. */
const firstWork = 1000;

async function openApiParts(
  latest: () => Running | undefined,
  {
    onApi,
    makesAdmin,
    ...context
  }: Pick<ApiContext, "commands" | "listen" | "append"> & Required<Pick<DaemonOptions, "onApi" | "makesAdmin">>,
): Promise<ApiParts> {
  const [{ accessFile, openAccess }, { apiParts }, { openHostTrees }] = await Promise.all([
    import("./access/open.ts"),
    import("./daemon/api-parts.ts"),
    import("./daemon/host-trees.ts"),
  ]);
  const running = (): Running => {
    const found = latest();
    if (found !== undefined) return found;
    throw new ConfigSyncError("SOURCE_MISSING", "nothing has been read yet");
  };
  const keyFrom = (): string | undefined => running().workspace.settings.api.keyFrom;
  const access = await openAccess({
    file: accessFile(running().workspace.settings.state),
    configuredKey: () => {
      const entry = running()
        .door.current()
        .snapshot?.entries.get(keyFrom() ?? "");
      return entry && reveal(entry.value);
    },
    configuredSection: () => parsePath(keyFrom() ?? "")?.[0],
  });
  const trees = await openHostTrees({ running, listen: context.listen });
  const key = makesAdmin ? await access.ensureAdmin() : undefined;
  if (key !== undefined) {
    const who = { name: "config-sync", kind: "daemon" };
    await context.append({ who, from: "file", what: "key.create", target: "admin", outcome: "done" });
    onApi({ type: "admin-key", key });
  }
  return apiParts({ ...context, running, access, trees, note: onApi });
}

async function takeOver({ settings }: Workspace, handlers: ControlHandlers): Promise<AsyncDisposable> {
  try {
    return await serveControl(controlSocket(settings.state), handlers);
  } catch (error) {
    throw asStateError(error, settings.state);
  }
}

function handleCommands(succession: Succession, telling: Telling): Commands {
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
  const work = async (emit: Emit, ask: (engine: Engine) => void, service?: string): Promise<void> => {
    const current = async (): Promise<Running> => {
      const running = await succession.current();
      if (service !== undefined) requireService(running.workspace, service);
      return running;
    };
    // Whoever asks for what is not there gets that for an answer, and nothing before it.
    await current();
    using _listening = telling.listen(emit);
    for (let asked: Running | undefined; ; ) {
      const running = await current();
      if (running === asked) return;
      asked = running;
      ask(running.engine);
      await running.engine.settled();
    }
  };

  return {
    status,
    apply: (emit) => work(emit, (engine) => engine.lookAtEverything()),
    reload: (service, emit) => work(emit, (engine) => engine.force(service), service),
    retry: (service, emit) => work(emit, (engine) => engine.retry(service), service),
  };
}

/** Throws NOT_FOUND for a service that is not enabled, with the names of those that are. */
export function requireService({ settings }: Workspace, service: string): void {
  if (settings.services.includes(service)) return;
  throw new ConfigSyncError("NOT_FOUND", `there is no service "${service}" here`, {
    hint: `Those under services in config-sync.yaml are: ${settings.services.join(", ")}`,
  });
}
