/** What the commands for secrets do with the file of keys itself, as its owner. */
import { userInfo } from "node:os";
import { openStoredTree } from "../apps/stored-tree.ts";
import { openAudit } from "../audit/audit.ts";
import type { Told } from "../audit/entry.ts";
import { auditFolder } from "../audit/files.ts";
import { createKeyText, parseKey } from "../config/encryption.ts";
import type { Json } from "../config/json.ts";
import { valueAt } from "../config/json-tree.ts";
import { formatPath, type Path } from "../config/path.ts";
import { reveal } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { addKey, makeKeyFile } from "../platform/key-file.ts";
import { loadSettings } from "../settings.ts";
import { openWorkspace, secretsOf, type Workspace } from "../workspace.ts";
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

export async function printValue(call: Call): Promise<number> {
  const { argument = "", json, print } = call;
  const path = readPath(argument);
  const key = formatPath(path);
  const workspace = await openWorkspace(call.workspace);
  const app = typeof call.options.app === "string" ? call.options.app : workspace.app.name;
  const value = app === workspace.app.name ? await valueOfHost(workspace, key) : await valueOfApp(workspace, app, path);
  if (value === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no key ${key}`, { key });
  // Before it is shown, as with what the API reveals: what cannot be put on record is not shown.
  await recordAct(workspace.settings.state, { what: "reveal", app, keys: [key] });
  if (json) print(JSON.stringify({ key, value }));
  else print(typeof value === "string" ? value : JSON.stringify(value));
  return exitCodes.ok;
}

async function valueOfHost({ app }: Workspace, key: string): Promise<string | undefined> {
  const { snapshot, problems } = await app.look();
  if (problems[0] !== undefined) throw problems[0];
  const entry = snapshot?.entries.get(key);
  return entry && reveal(entry.value);
}

/** By its newest revision, beside a daemon, too. */
async function valueOfApp(workspace: Workspace, name: string, path: Path): Promise<Json | undefined> {
  const history = workspace.openHistory(() => undefined);
  try {
    const { settings, digest, keys } = workspace;
    const isSecret = secretsOf(settings);
    const parts = { history: () => history, clock: systemClock, digest, isSecret, keys: () => keys?.() };
    const tree = await openStoredTree(name, parts);
    if (tree === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no app "${name}"`);
    return valueAt(tree.current().data, path);
  } finally {
    await history.close();
  }
}

/** Durable when it resolves. Throws WRITE_FAILED, STATE_UNUSABLE. */
async function recordAct(state: string, act: Pick<Told, "what" | "target" | "app" | "keys">): Promise<void> {
  refuseOtherOwner([auditFolder(state), state]);
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
