import { accessFile, openAccess } from "../access/open.ts";
import type { ApiAnswer, ApiCall } from "../api/control-client.ts";
import { serveControl } from "../api/control-server.ts";
import type { Api } from "../api/http/api.ts";
import { createEventLog } from "../api/http/event-log.ts";
import { createMetrics } from "../api/http/metrics.ts";
import { buildServer } from "../api/http/server.ts";
import { ConfigSyncError } from "../errors.ts";
import type { EngineState } from "../sync/engine.ts";
import { readLedger } from "../sync/ledger.ts";
import { inOrder } from "../sync/order.ts";
import { reportStatus, type StatusReport } from "../sync/status.ts";
import { surveyServices } from "../sync/survey.ts";
import { openDoor, renderServices, type Workspace } from "../workspace.ts";
import { apiParts } from "./api-parts.ts";
import { actOfFile, createAuditing } from "./auditing.ts";
import { controlSocket } from "./control-socket.ts";
import { openHostTrees } from "./host-trees.ts";
import { openLater } from "./later-access.ts";
import { asStateError } from "./running.ts";

/**
 * Answers one request to the API without a daemon, on the files, as their owner: with the same routes, so that the answers are the
 * same. What needs an engine is DAEMON_ABSENT. Throws DAEMON_RUNNING when another process has the workspace, unless it is only a look:
 * that writes nothing.
 */
export async function answerOffline(workspace: Workspace, call: ApiCall): Promise<ApiAnswer> {
  const { method, url, body } = call;
  await using opened = new AsyncDisposableStack();
  // Before anything is changed: nobody would be there to wait for.
  if (new URL(url, "http://here").searchParams.has("wait")) await refuse();
  const isLook = looksOnly(call);
  if (!isLook) opened.use(await takeOver(workspace));
  const quietly = (): void => undefined;
  const history = opened.adopt(workspace.openHistory(quietly), ({ close }) => close());
  const ledger = await readLedger(workspace.ledgerFile, workspace.keys);
  const { settings } = workspace;
  const snapshot = () => door.current().snapshot;
  const auditing = createAuditing({ state: settings.state, snapshot, onTrouble: quietly });
  opened.defer(auditing.settled);
  const door = openDoor(workspace, history, {
    ledger,
    looksOnly: isLook,
    onMended: quietly,
    onNoted: (noted) => auditing.note(actOfFile(workspace.app.name, noted)),
    renderings: () => state().renderings,
  });
  opened.defer(door.close);
  await door.look();
  let rendered: Pick<EngineState, "snapshot" | "renderings"> | undefined;
  const state = () => {
    const { snapshot } = door.current();
    if (rendered?.snapshot !== snapshot) rendered = undefined;
    rendered ??= { snapshot, renderings: renderServices(workspace, snapshot) };
    return rendered;
  };
  const worked = {
    workspace,
    door,
    ledger,
    // It was looked at just now, and once is enough for one answer.
    engine: { state, lookAgain: async () => undefined },
  };
  const status = async (): Promise<StatusReport> => {
    const { services, digest } = workspace;
    const surveyed = await surveyServices(state().renderings, { ledger, digest, roots: settings.roots });
    const { problems } = door.current();
    return reportStatus({ daemon: null, names: inOrder(services), problems, ledger, surveyed, running: new Set() });
  };
  const listen = () => ({ [Symbol.dispose]: () => undefined });
  const hosting = { ...worked, history };
  const parts = apiParts({
    running: () => worked,
    present: async () => worked,
    onDisk: async () => workspace,
    commands: { status, apply: refuse, reload: refuse, retry: refuse },
    listen,
    trees: await openHostTrees({ running: () => hosting, present: async () => hosting, listen }),
    access: openLater(() => openAccess({ file: accessFile(settings.state) })),
    append: auditing.append,
    note: () => undefined,
  });
  const api: Api = {
    ...parts,
    settings: settings.api,
    log: createEventLog({ events: 1, bytes: 1 }),
    metrics: createMetrics(),
    streams: new Set(),
    sockets: new Set(),
    stopping: never,
    ending: never,
  };
  const server = await buildServer(api, () => true);
  opened.defer(() => server.close());
  const answer = await server.inject({ method, url, ...(body === undefined ? {} : { payload: body as object }) });
  return { status: answer.statusCode, body: answer.json() };
}

/** Whether a request changes nothing. */
export function looksOnly({ method, url }: ApiCall): boolean {
  return method === "GET" || looks.test(url);
}

/** Those that have a body. */
const looks = /^\/api\/v1\/(plan|settings\/(validate|reload))\b/;

const never = new AbortController().signal;

const refuse = async (): Promise<never> => {
  throw new ConfigSyncError("DAEMON_ABSENT", "no daemon runs on this workspace", {
    hint: "Start it with config-sync start; what is changed without it is applied then",
  });
};
/** Another command that comes meanwhile tries again. */
const busy = async (): Promise<never> => {
  throw new ConfigSyncError("DAEMON_RUNNING", "another command is at work on this workspace");
};

async function takeOver({ settings, keepKey }: Workspace): Promise<AsyncDisposable> {
  try {
    const taken = await serveControl(controlSocket(settings.state), busy);
    await keepKey();
    return taken;
  } catch (error) {
    throw asStateError(error, settings.state);
  }
}
