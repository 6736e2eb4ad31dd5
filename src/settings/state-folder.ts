/** Where the state folder of a workspace is, also by settings that cannot be used. */
import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { readTextFile } from "../platform/read-text.ts";

export const settingsFile = "config-sync.yaml";
export const usualState = "state";

/** One workspace, whichever symlinks lead to it: what is remembered of its outputs holds their paths. */
export function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

/**
 * The state folder, absolute, without the schema of the settings: a daemon goes on while they are being edited, and `wait` runs in
 * health checks, where loading all that would be half of its time.
 */
export async function findState(folder: string): Promise<string> {
  const workspace = realFolder(folder);
  return resolve(workspace, (await readState(join(workspace, settingsFile))) ?? usualState);
}

async function readState(file: string): Promise<string | undefined> {
  try {
    const { parseDocument } = await import("yaml");
    const state: unknown = parseDocument(readTextFile(file)).get("state");
    return typeof state === "string" ? state : undefined;
  } catch {
    // Nothing to go by; whoever looks for the settings next says why.
    return undefined;
  }
}
