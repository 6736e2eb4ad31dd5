import { stat } from "node:fs/promises";
import { asConfigSyncError } from "../errors.ts";
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
