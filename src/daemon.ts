/**
 * The daemon: what belongs to the process (control socket, listeners), and in it one workspace after the other under an engine, from
 * taking the state folder over until the last step is done.
 */
import { type AnswerLocal, serveControl } from "./api/control-server.ts";
import type { AnswerEvent } from "./api/http/answer-log.ts";
import type { ApiParts, HttpSettings } from "./api/http/parts.ts";
import type { Link } from "./audit/entry.ts";
import { parsePath } from "./config/path.ts";
import { reveal } from "./config/secret.ts";
import type { ApiContext } from "./daemon/api-parts.ts";
import { createAuditing } from "./daemon/auditing.ts";
import { commandsOf } from "./daemon/commands.ts";
import { controlSocket } from "./daemon/control-socket.ts";
import { createDaemonApi } from "./daemon/http.ts";
import { asStateError, type Running, runWorkspace } from "./daemon/running.ts";
import { createSuccession, type Reread, type Succession } from "./daemon/succession.ts";
import { createTelling } from "./daemon/telling.ts";
import { asConfigSyncError, ConfigSyncError } from "./errors.ts";
import { once } from "./platform/once.ts";
import { within } from "./platform/within.ts";
import type { Emit } from "./sync/events.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

export { requireService } from "./daemon/commands.ts";
export type { Reread } from "./daemon/succession.ts";

/** What its process asks of it; everybody else asks the API. */
export interface Daemon {
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
  const commands = commandsOf(succession, telling);
  const parts = once(async () => {
    const { engine } = await first.promise;
    // What the services wait for comes first: loading the API takes as long as ten changes.
    await within(firstWork, engine.idle());
    await tellAuditHead();
    return openApiParts(() => latest, {
      ...{ commands, present: succession.current, listen: telling.listen, append: auditing.append, onApi },
      // Where nothing listens there is nobody who needs a key.
      makesAdmin: makesAdmin && listen,
    });
  });
  const api = createDaemonApi({
    parts,
    settings: workspace.settings.api,
    onListening: (addresses) => onApi({ type: "listening", addresses }),
    onTrouble: (error) => onApi({ type: "cannot-listen", error }),
  });
  const control = await takeOver(workspace, api.answer);
  try {
    const running = await run(workspace);
    first.resolve(running);
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

  return { reread: succession.reread, stop };
}

/** Milliseconds. */
const firstWork = 1000;

async function openApiParts(
  latest: () => Running | undefined,
  {
    onApi,
    makesAdmin,
    ...context
  }: Pick<ApiContext, "commands" | "listen" | "append"> & { readonly present: Succession["current"] } & Required<
      Pick<DaemonOptions, "onApi" | "makesAdmin">
    >,
): Promise<ApiParts> {
  const [{ accessFile, openAccess }, { apiParts }, { openHostTrees }, { openLater }] = await Promise.all([
    import("./access/open.ts"),
    import("./daemon/api-parts.ts"),
    import("./daemon/host-trees.ts"),
    import("./daemon/later-access.ts"),
  ]);
  const running = (): Running => {
    const found = latest();
    if (found !== undefined) return found;
    throw new ConfigSyncError("SOURCE_MISSING", "nothing has been read yet");
  };
  const keyFrom = (): string | undefined => running().workspace.settings.api.keyFrom;
  const access = openLater(async () => {
    const opened = await openAccess({
      file: accessFile(running().workspace.settings.state),
      configuredKey: () => {
        const entry = running()
          .door.current()
          .snapshot?.entries.get(keyFrom() ?? "");
        return entry && reveal(entry.value);
      },
      configuredSection: () => parsePath(keyFrom() ?? "")?.[0],
    });
    const key = makesAdmin ? await opened.ensureAdmin() : undefined;
    if (key !== undefined) {
      const who = { name: "config-sync", kind: "daemon" };
      await context.append({ who, from: "file", what: "key.create", target: "admin", outcome: "done" });
      onApi({ type: "admin-key", key });
    }
    return opened;
  });
  const trees = await openHostTrees({ running, present: context.present, listen: context.listen });
  const onDisk = () => openWorkspace(running().workspace.settings.folder);
  return apiParts({ ...context, running, onDisk, access, trees, note: onApi });
}

async function takeOver({ settings }: Workspace, answer: AnswerLocal): Promise<AsyncDisposable> {
  try {
    return await serveControl(controlSocket(settings.state), answer);
  } catch (error) {
    throw asStateError(error, settings.state);
  }
}
