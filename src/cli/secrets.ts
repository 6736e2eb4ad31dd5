import { type Call, type Command, type CommandGroup, exitCodes } from "./command.ts";

const message = { flags: "-m, --message <text>", description: "why, for the history" };

const keygen: Command = {
  name: "keygen",
  summary: "make the file of keys that the settings name",
  help: `
Makes encryption.key_file with a first key, mode 0600. Keep a copy of it
elsewhere: without it nothing that is sealed can be read again. Where
encryption.key_env stands in the settings a key is printed, to be put there.

Examples:
  config-sync secrets keygen

Exit codes: 0 made, 1 not made.`,
  run: async (call) => (await import("./secrets-keys.ts")).makeKey(call),
};

const encrypt: Command = {
  name: "encrypt",
  summary: "seal every secret that stands in clear: one revision an app",
  help: `
Secrets are the keys whose name says so, those of "secrets" in the settings,
and in apps those that their schemas call secret. What the history and its
copies hold of them in clear stays there: change a password that somebody may
have seen.

Examples:
  config-sync secrets encrypt -m "nothing in clear any more"

Exit codes: 0 sealed, or nothing to seal, 1 refused.`,
  options: [message],
  run: (call) => sealValues(call, "clear"),
};

const decrypt: Command = {
  name: "decrypt",
  argument: "<section.key>",
  summary: "print the text of a value",
  help: `
For whoever may read the file of keys; no daemon is asked. It goes on record.

Of an app that has no file it is the newest revision that is read; what is not
a text is printed as JSON.

Examples:
  config-sync secrets decrypt gitea.user_pwd
  config-sync secrets decrypt login.password --app shop

Exit codes: 0 printed, 1 it cannot be opened, or there is no such key.`,
  options: [{ flags: "--app <name>", description: "of which app", fallback: "default" }],
  run: async (call) => (await import("./secrets-keys.ts")).printValue(call),
};

const rotate: Command = {
  name: "rotate",
  summary: "make a new key and seal everything with it: one revision an app",
  help: `
The new key is put in front of the file; the old ones stay and go on opening
older revisions. A crash in between does no harm: run it again. With
encryption.key_env put a new key in front of the variable yourself, start the
daemon anew, then run this.

Examples:
  config-sync secrets rotate

Exit codes: 0 everything is sealed with the new key, 1 refused.`,
  options: [message],
  run: async (call) => {
    const { addNewKey } = await import("./secrets-keys.ts");
    await addNewKey(call);
    return sealValues(call, "old");
  },
};

const migrate: Command = {
  name: "migrate",
  summary: "seal what Websoft9 encrypted (AES256:…) in this form: one revision",
  help: `
Such values are read where encryption.aes256_key_file names their key.

Examples:
  config-sync secrets migrate

Exit codes: 0 sealed, or nothing to seal, 1 refused.`,
  options: [message],
  run: (call) => sealValues(call, "aes256"),
};

export const secrets: CommandGroup = {
  name: "secrets",
  summary: "keep passwords encrypted in config.ini, in apps and in the history",
  help: `
Needs encryption.key_file (or key_env) in config-sync.yaml. From then on what is
set through a command or the API is sealed when its key is secret.

Examples:
  config-sync secrets keygen
  config-sync secrets encrypt
  config-sync secrets rotate

Exit codes: 0 done, 1 not done.`,
  commands: [keygen, encrypt, decrypt, rotate, migrate],
};

async function sealValues(call: Call, which: "clear" | "old" | "aes256"): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const query = { message: typeof call.options.message === "string" ? call.options.message : undefined };
  const sealed = await askApi<SealedApps>(call, { method: "POST", path: "/seal", query, body: { which } });
  if (call.json) call.print(JSON.stringify(sealed, null, 2));
  else if (sealed.apps.length === 0) call.print("there was nothing to seal");
  else for (const one of sealed.apps) printSealed(call, one);
  return exitCodes.ok;
}

interface SealedApps {
  readonly apps: readonly {
    readonly app: string;
    readonly revision: { number: number };
    readonly keys: readonly string[];
  }[];
}

/** The host's own configuration needs no name. */
function printSealed({ print, style }: Call, { app, revision, keys }: SealedApps["apps"][number]): void {
  const isHost = app === "default";
  for (const key of keys) print(isHost ? key : `${app}: ${key}`);
  print(style("green", `${keys.length} sealed${isHost ? "" : ` in ${app}`}: revision ${revision.number}`));
}
