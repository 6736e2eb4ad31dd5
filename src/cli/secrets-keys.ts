/** What the commands for secrets do with the file of keys itself, as its owner. */
import { createKeyText } from "../config/encryption.ts";
import { formatPath } from "../config/path.ts";
import { reveal } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import { addKey, makeKeyFile } from "../platform/key-file.ts";
import { loadSettings } from "../settings.ts";
import { openWorkspace } from "../workspace.ts";
import { type Call, exitCodes } from "./command.ts";
import { readPath } from "./read-path.ts";

export async function makeKey({ workspace, json, print, style }: Call): Promise<number> {
  const { key_file: file, key_env: variable } = encryptionOf(workspace);
  if (file === undefined) {
    const key = createKeyText();
    print(json ? JSON.stringify({ key, variable }) : key);
    return exitCodes.ok;
  }
  const { id } = await makeKeyFile(file);
  if (json) print(JSON.stringify({ id, file }));
  else print(`${style("green", "made")} key ${id} in ${file}. Keep a copy: what it seals cannot be read without it.`);
  return exitCodes.ok;
}

/** Puts a new key in front of the file. From the environment comes what stands there. */
export async function addNewKey({ workspace }: Call): Promise<void> {
  const { key_file: file } = encryptionOf(workspace);
  if (file !== undefined) await addKey(file);
}

export async function printValue({ workspace, argument = "", json, print }: Call): Promise<number> {
  const path = readPath(argument);
  const key = formatPath(path);
  const { app } = await openWorkspace(workspace);
  const { snapshot, problems } = await app.look();
  if (problems[0] !== undefined) throw problems[0];
  const entry = snapshot?.entries.get(key);
  if (entry === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no key ${key}`, { key });
  const value = reveal(entry.value);
  print(json ? JSON.stringify({ key, value }) : value);
  return exitCodes.ok;
}

function encryptionOf(workspace: string) {
  const { encryption } = loadSettings(workspace);
  if (encryption.key_file !== undefined || encryption.key_env !== undefined) return encryption;
  throw new ConfigSyncError("KEY_UNUSABLE", "the settings name no place for keys", {
    hint: "Write encryption: { key_file: /etc/config-sync/keys } into config-sync.yaml, outside of what is backed up with it",
    retryable: false,
  });
}
