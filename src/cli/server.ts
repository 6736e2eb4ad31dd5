import { basename, dirname, join, resolve } from "node:path";
import type { Key } from "../config/encryption.ts";
import { ConfigSyncError } from "../errors.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const server: Command = {
  name: "server",
  workspace: false,
  summary: "serve a file, or apps without a file, by the HTTP API alone: no services, no workspace",
  help: `
The file is the app "default": YAML, JSON, TOML or INI, by how its name ends.
Changes go into the file, and every other byte of it stays; an edit by hand is
taken up. Without --config it is an app without a file, empty at first.

Revisions, keys and the audit log are kept in --state. Where nobody has a key
yet, one is made and shown once. On this host none is needed by the socket
server.sock in that folder, which only its owner can open.

Rather than --api-key, which others on this host can see in the list of
processes, set CONFIG_SYNC_API_KEY.

Secrets are sealed, in the file and in the revisions, where --key-file names a
file of keys (mode 0600; a key is 32 bytes in base64, the first one seals) or
CONFIG_SYNC_ENCRYPTION_KEY holds them.

Examples:
  config-sync server --config app.yaml
  config-sync server --port 8080 --state /var/lib/apps
  CONFIG_SYNC_API_KEY=$(cat key) config-sync server --config app.toml --read-only

Exit codes: 0 stopped by a signal, 1 it could not start.`,
  options: [
    { flags: "--config <file>", description: "the file that is the app default" },
    { flags: "--port <number>", description: "where it listens; 0 is any that is free", fallback: "7373" },
    { flags: "--host <address>", description: "on which address", fallback: "127.0.0.1" },
    { flags: "--api-key <key>", description: "a key that may do everything; 16 characters or more" },
    { flags: "--state <dir>", description: "where it keeps what it keeps; .config-sync/NAME beside the file" },
    { flags: "--key-file <file>", description: "the keys that secrets are sealed with" },
    { flags: "--read-only", description: "refuse every change" },
  ],
  run: runServer,
};

async function runServer(call: Call): Promise<number> {
  const { options, print } = call;
  const stopped = nextSignal();
  const { startServer } = await import("../daemon/server.ts");
  const config = typeof options.config === "string" ? resolve(options.config) : undefined;
  const state = typeof options.state === "string" ? resolve(options.state) : usualState(config);
  const started = await startServer({
    config,
    state,
    host: String(options.host),
    port: readPort(String(options.port)),
    apiKey: readKey(options.apiKey ?? process.env.CONFIG_SYNC_API_KEY),
    readOnly: options.readOnly === true,
    keys: await findKeys(options.keyFile),
    tell: (text) => void process.stderr.write(`${text}\n`),
  });
  const { addresses, adminKey, apps } = started;
  if (call.json) print(JSON.stringify({ addresses, apps, state, adminKey }));
  else {
    print(`${config === undefined ? "apps without a file" : `the app default is ${config}`}; ${apps} in all`);
    print(`listening on ${addresses.join(", ")}`);
    if (adminKey !== undefined) print(`the key of the first admin, shown this once: ${adminKey}`);
  }
  await stopped;
  await started.stop();
  return exitCodes.ok;
}

/** One of its own for each file: a history is that of one. */
function usualState(config: string | undefined): string {
  const folder = config === undefined ? resolve(".") : dirname(config);
  return join(folder, ".config-sync", config === undefined ? "default" : basename(config));
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new ConfigSyncError("USAGE", `--port ${text} is not a port`, { hint: "Write a number from 0 to 65535" });
}

function readKey(key: Call["options"][string]): string | undefined {
  if (typeof key !== "string" || key === "") return undefined;
  if (/^[\x21-\x7e]{16,200}$/.test(key)) return key;
  throw new ConfigSyncError("USAGE", "the API key is shorter than 16 characters, or holds others than a header takes", {
    hint: "Take a long one: openssl rand -hex 24",
  });
}

const keyVariable = "CONFIG_SYNC_ENCRYPTION_KEY";

/** Undefined where secrets stand in clear. */
async function findKeys(file: Call["options"][string]): Promise<(() => readonly Key[]) | undefined> {
  const { keysOfFile, keysOfVariable } = await import("../platform/key-file.ts");
  if (typeof file === "string") return keysOfFile(resolve(file));
  return process.env[keyVariable] === undefined ? undefined : keysOfVariable(keyVariable, process.env);
}

/** The first one; a second ends the process as it always does. */
function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
