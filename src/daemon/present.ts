/** What stands in a workspace's files just now, and what stands against it. */
import type { Snapshot } from "../config/layers.ts";
import { asConfigSyncError, ConfigSyncError, type ErrorCode } from "../errors.ts";
import { adviseOn } from "../sync/advice.ts";
import { type Finding, findAll, findingOf } from "../sync/findings.ts";
import type { Renderings } from "../sync/renderings.ts";
import { loadedBy } from "../sync/taken-ports.ts";
import { renderServices, type Workspace } from "../workspace.ts";
import type { Worked } from "./api-parts.ts";
import { differences } from "./compare.ts";

/** The values of the files and what is made of them. Throws what keeps the files from being used: no older values are given for them. */
export async function readPresent(running: Worked): Promise<{ snapshot: Snapshot; renderings: Renderings }> {
  await running.engine.lookAgain();
  const { snapshot, problems } = presentOf(running);
  if (snapshot !== undefined) return { snapshot, renderings: running.engine.state().renderings };
  const [first, ...rest] = problems;
  if (first === undefined) throw new ConfigSyncError("SOURCE_MISSING", "nothing has been read yet");
  if (rest.length === 0) throw first;
  throw new ConfigSyncError(first.code, [first, ...rest].map((problem) => problem.toText()).join("\n"));
}

/**
 * Also of settings, manifests and templates that the daemon has not taken up yet: `onDisk` reads them. Where they are others, the
 * values are held to them, as they will be.
 */
export async function findPresent(running: Worked, onDisk: () => Promise<Workspace>): Promise<readonly Finding[]> {
  const [next] = await Promise.all([onDisk().catch(asFinding), running.engine.lookAgain()]);
  if ("severity" in next) return [next, ...(await findInRunning(running))];
  const differing = differences(running.workspace, next);
  if (differing.length === 0) return findInRunning(running);
  const text = `the daemon still runs on what it read before (${differing.join("; ")}). Send it SIGHUP`;
  return [...(await findIn(next, running.ledger)), { severity: "warning", text }];
}

function asFinding(error: unknown): Finding {
  return findingOf(asConfigSyncError(error));
}

async function findInRunning(running: Worked): Promise<Finding[]> {
  const { services, settings } = running.workspace;
  const { snapshot, problems } = presentOf(running);
  const renderings = snapshot === undefined ? new Map() : running.engine.state().renderings;
  const violations = await advise(running, snapshot);
  return findAll({ problems, snapshot, renderings, services, roots: settings.roots, violations });
}

/** What rules say besides, in the light of what the services have loaded. */
export function advise({ workspace, ledger }: Pick<Worked, "workspace" | "ledger">, snapshot: Snapshot | undefined) {
  const { settings, services, sections, digest } = workspace;
  return adviseOn({ schema: settings.schema, sections, snapshot, loaded: loadedBy(services, ledger, digest) });
}

/** A workspace that nobody works on. */
async function findIn(workspace: Workspace, ledger: Worked["ledger"]): Promise<Finding[]> {
  const { app, services, settings } = workspace;
  const { snapshot, problems } = await app.look();
  const renderings = renderServices(workspace, snapshot);
  const violations = await advise({ workspace, ledger }, snapshot);
  return findAll({ problems, snapshot, renderings, services, roots: settings.roots, violations });
}

/** What the last look found: `snapshot` only where the files themselves say it, and not an older one that stays in force. */
function presentOf({ door, engine }: Worked): { snapshot: Snapshot | undefined; problems: readonly ConfigSyncError[] } {
  const problems = door.current().problems.filter(({ code }) => !ofState.includes(code));
  return { snapshot: problems.length > 0 ? undefined : engine.state().snapshot, problems };
}

/** What is wrong with the history or the state folder stands there, too: `status` tells it, and it leaves the files as good as they are. */
const ofState: readonly ErrorCode[] = ["HISTORY_UNUSABLE", "STATE_UNUSABLE", "WRITE_FAILED"];
