import { stat } from "node:fs/promises";
import { openStoredTree } from "../apps/stored-tree.ts";
import type { Tree } from "../apps/tree.ts";
import { asConfigSyncError } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { secretsOf } from "../workspace.ts";
import type { Diagnosis } from "./doctor.ts";
import type { Inspection } from "./inspect.ts";

/** The keys that values are sealed with: there, closed to others, ours, and those that everything sealed asks for. */
export async function checkKeys({ workspace, snapshot, ledger }: Inspection): Promise<Diagnosis[]> {
  const { settings, keys } = workspace;
  const about = "encryption key";
  const unopened = ledger.mended.map((text): Diagnosis => ({ about: "ledger", state: "warning", text }));
  if (keys === undefined) return unopened;
  const { key_file: file, key_env: variable } = settings.encryption;
  const where = file ?? `$${variable}`;
  try {
    const [first, ...older] = keys();
    const owner = file === undefined ? undefined : await checkOwner(file);
    if (owner !== undefined) return [{ about, ...owner }, ...unopened];
    const count = older.length === 0 ? "" : `, ${older.length} older beside it`;
    // Where one could not be opened there are no values, and "sources" says which.
    const opened = snapshot === undefined ? "" : "; all sealed values open";
    return [{ about, state: "ok", text: `${where}: ${first?.id} seals${count}${opened}` }, ...unopened];
  } catch (error) {
    const { message, hint } = asConfigSyncError(error);
    return [{ about, state: "failure", text: `${where}: ${message}`, mend: hint }];
  }
}

/** The apps that have no file but their revisions: everything that is sealed in them opens. */
export async function checkApps({ workspace }: Pick<Inspection, "workspace">): Promise<Diagnosis[]> {
  const { settings, digest, keys, app } = workspace;
  const history = workspace.openHistory(() => undefined);
  const parts = {
    history: () => history,
    clock: systemClock,
    digest,
    isSecret: secretsOf(settings),
    keys: () => keys?.(),
  };
  try {
    const trees: Tree[] = [];
    for (const name of await history.apps()) {
      const tree = name === app.name ? undefined : await openStoredTree(name, parts);
      if (tree !== undefined) trees.push(tree);
    }
    const found = trees.flatMap(describeTrouble);
    if (trees.length === 0 || found.length > 0) return found;
    return [{ about: "apps", state: "ok", text: `${trees.length}; all sealed values open` }];
  } catch {
    return []; // "history" says why.
  } finally {
    await history.close();
  }
}

function describeTrouble(tree: Tree): Diagnosis[] {
  try {
    tree.current();
    return [];
  } catch (error) {
    const { code, message, hint } = asConfigSyncError(error);
    // Of keys that nobody can read it is told once.
    return code === "KEY_UNUSABLE" ? [] : [{ about: "apps", state: "failure", text: message, mend: hint }];
  }
}

/** Who may read it only because of being root sees what the daemon may not. */
async function checkOwner(file: string): Promise<Pick<Diagnosis, "state" | "text" | "mend"> | undefined> {
  const { uid } = await stat(file);
  const own = process.getuid?.();
  if (own === undefined || uid === own) return undefined;
  const text = `${file}: belongs to user ${uid}, and this is user ${own}`;
  return {
    state: "warning",
    text,
    mend: "Run doctor as the user that the daemon runs as, or give the file to that user",
  };
}
