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
  summary: "seal every secret that stands in clear: one revision",
  help: `
Secrets are the keys whose name says so, and those of "secrets" in the
settings. What the history and its copies hold of them in clear stays there:
change a password that somebody may have seen.

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

Examples:
  config-sync secrets decrypt gitea.user_pwd

Exit codes: 0 printed, 1 it cannot be opened, or there is no such key.`,
  run: async (call) => (await import("./secrets-keys.ts")).printValue(call),
};

const rotate: Command = {
  name: "rotate",
  summary: "make a new key and seal everything with it: one revision",
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
  summary: "keep passwords encrypted in config.ini and in the history",
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
  const request = { method: "POST", path: "/settings/seal", query, body: { which } } as const;
  const sealed = await askApi<{ revision: { number: number }; keys: readonly string[] }>(call, request);
  if (call.json) call.print(JSON.stringify(sealed, null, 2));
  else if (sealed.keys.length === 0) call.print("there was nothing to seal");
  else {
    for (const key of sealed.keys) call.print(key);
    call.print(call.style("green", `${sealed.keys.length} sealed: revision ${sealed.revision.number}`));
  }
  return exitCodes.ok;
}
