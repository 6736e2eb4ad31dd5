/** What the commands for secrets do with the file of keys itself, as its owner. */
import { userInfo } from "node:os";
import { openAudit } from "../audit/audit.ts";
import type { Told } from "../audit/entry.ts";
import { auditFolder } from "../audit/files.ts";
import { createKeyText, parseKey } from "../config/encryption.ts";
import { formatPath } from "../config/path.ts";
import { reveal } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { addKey, makeKeyFile } from "../platform/key-file.ts";
import { loadSettings } from "../settings.ts";
import { openWorkspace } from "../workspace.ts";
import { type Call, exitCodes } from "./command.ts";
import { readPath } from "./read-path.ts";
import { refuseOtherOwner } from "./refuse-other-owner.ts";

export async function makeKey({ workspace, json, print, style }: Call): Promise<number> {
  const { key_file: file, key_env: variable, state } = encryptionOf(workspace);
  if (file === undefined) {
    const key = createKeyText();
    await recordAct(state, { what: "encryption.key", target: parseKey(key)?.id });
    print(json ? JSON.stringify({ key, variable }) : key);
    return exitCodes.ok;
  }
  const { id } = await makeKeyFile(file);
  await recordAct(state, { what: "encryption.key", target: id });
  if (json) print(JSON.stringify({ id, file }));
  else print(`${style("green", "made")} key ${id} in ${file}. Keep a copy: what it seals cannot be read without it.`);
  return exitCodes.ok;
}

/** Puts a new key in front of the file. From the environment comes what stands there. */
export async function addNewKey({ workspace }: Call): Promise<void> {
  const { key_file: file, state } = encryptionOf(workspace);
  if (file === undefined) return;
  const { id } = await addKey(file);
  await recordAct(state, { what: "encryption.key", target: id });
}

export async function printValue({ workspace, argument = "", json, print }: Call): Promise<number> {
  const path = readPath(argument);
  const key = formatPath(path);
  const { app, settings } = await openWorkspace(workspace);
  const { snapshot, problems } = await app.look();
  if (problems[0] !== undefined) throw problems[0];
  const entry = snapshot?.entries.get(key);
  if (entry === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no key ${key}`, { key });
  // Before it is shown, as with what the API reveals: what cannot be put on record is not shown.
  await recordAct(settings.state, { what: "reveal", app: app.name, keys: [key] });
  const value = reveal(entry.value);
  print(json ? JSON.stringify({ key, value }) : value);
  return exitCodes.ok;
}

/** Durable when it resolves. Throws WRITE_FAILED, STATE_UNUSABLE. */
async function recordAct(state: string, act: Pick<Told, "what" | "target" | "app" | "keys">): Promise<void> {
  refuseOtherOwner([auditFolder(state), state], "secrets");
  const who = { name: userInfo().username, kind: "local" };
  const audit = openAudit({ folder: auditFolder(state), clock: systemClock });
  await audit.append({ ...act, who, from: "command line", outcome: "done" });
}

function encryptionOf(workspace: string) {
  const { encryption, state } = loadSettings(workspace);
  if (encryption.key_file !== undefined || encryption.key_env !== undefined) return { ...encryption, state };
  throw new ConfigSyncError("KEY_UNUSABLE", "the settings name no place for keys", {
    hint: "Write encryption: { key_file: /etc/config-sync/keys } into config-sync.yaml, outside of what is backed up with it",
    retryable: false,
  });
}
