import { mkdir } from "node:fs/promises";
import type { Door } from "../apps/door.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { History } from "../history/history.ts";
import { within } from "../platform/within.ts";
import type { Engine } from "../sync/engine.ts";
import type { Emit } from "../sync/events.ts";
import { type Ledger, openLedger } from "../sync/ledger.ts";
import { watchThings } from "../sync/thing-watch.ts";
import { buildEngine, openDoor, type Workspace } from "../workspace.ts";
import { type Auditing, actOfFile, recordAdopted } from "./auditing.ts";

/** A workspace that is being worked on, with all that ends when another one takes its place. */
export interface Running {
  readonly workspace: Workspace;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly door: Door;
  readonly history: History;
  /** Ends the running steps in order. Throws WRITE_FAILED where the ledger could not be saved; even then nothing runs any more. */
  readonly stop: () => Promise<void>;
}

export interface RunOptions {
  readonly tell: Emit;
  readonly auditing: Pick<Auditing, "append" | "note">;
  /** False for one pass without watches. */
  readonly watch: boolean;
}

/** Opens the ledger and starts the engine. Resolves after the first look at the sources. Throws STATE_UNUSABLE. */
export async function runWorkspace(workspace: Workspace, { tell, auditing, watch }: RunOptions): Promise<Running> {
  await using opened = new AsyncDisposableStack();
  const onMended = (text: string): void => tell({ type: "mended", text });
  const history = opened.adopt(workspace.openHistory(onMended), ({ close }) => close());
  const ledger = await openState(workspace);
  for (const text of ledger.mended) onMended(text);
  const door = openDoor(workspace, history, {
    ledger,
    onMended,
    onNoted: (noted) => auditing.note(actOfFile(workspace.app.name, noted)),
    renderings: () => engine.state().renderings,
  });
  // A source that is written without a pause is not waited for.
  opened.defer(() => within(farewell, door.close()));
  const engine = buildEngine(workspace, recordAdopted(door, auditing.append), ledger, tell);
  // Closes the ledger, too.
  opened.defer(engine.stop);
  const unwatched = (text: string): void => tell({ type: "unwatched", text });
  if (watch) opened.defer(await door.watch(engine.lookAgain, unwatched));
  await engine.start();
  if (watch) opened.defer(watchThings(engine, workspace.services, workspace.connections));
  const all = opened.move();
  return { workspace, ledger, engine, door, history, stop: () => all.disposeAsync() };
}

/** Milliseconds. What is not recorded then is found by the next look. */
const farewell = 500;

async function openState(workspace: Workspace): Promise<Ledger> {
  try {
    await mkdir(workspace.settings.state, { recursive: true, mode: 0o700 });
    await workspace.keepKey();
    return await openLedger(workspace.ledgerFile, workspace.keys);
  } catch (error) {
    throw asStateError(error, workspace.settings.state);
  }
}

/** What the system says of the state folder, in our words. */
export function asStateError(error: unknown, state: string): ConfigSyncError {
  const { code, message, hint } = asConfigSyncError(error, "STATE_UNUSABLE");
  if (code !== "STATE_UNUSABLE" && code !== "WRITE_FAILED") return asConfigSyncError(error);
  return new ConfigSyncError("STATE_UNUSABLE", `the state folder ${state} cannot be used: ${message}`, {
    hint: hint ?? "Look at its owner and mode, or name another one under state in config-sync.yaml",
    cause: error,
  });
}
