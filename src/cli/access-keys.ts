import { grantColumns, grantHead, grantOptions, readGrant } from "./access-grant.ts";
import { type Call, type Command, type CommandGroup, exitCodes } from "./command.ts";

const list: Command = {
  name: "list",
  summary: "show every key, without the keys themselves",
  help: `
Examples:
  config-sync access key list
  config-sync access key list --json | jq '.keys[].name'

Exit codes: 0 shown, 1 the file cannot be read.`,
  run: listKeys,
};

const create: Command = {
  name: "create",
  argument: "<name>",
  summary: "make a key and show it, this once",
  help: `
The name stands in the history as the author of what is done with the key.

Examples:
  config-sync access key create ci --role editor --section gitea --expires 90d
  config-sync access key create backup --role viewer --expires 2027-06-30

Exit codes: 0 made, 1 not made.`,
  options: [
    ...grantOptions,
    { flags: "--expires <when>", description: "after 90d, 12h … or at 2027-06-30 (UTC); else never" },
  ],
  run: createKey,
};

const remove: Command = {
  name: "remove",
  argument: "<name>",
  summary: "make a key worthless",
  help: `
Examples:
  config-sync access key remove ci

Exit codes: 0 removed, 1 there is no such key.`,
  run: removeKey,
};

export const keyCommands: CommandGroup = {
  name: "key",
  summary: "keys for programs: x-api-key, or Authorization: Bearer",
  help: `
Examples:
  config-sync access key create ci --role editor

Exit codes: 0 done, 1 not done.`,
  commands: [list, create, remove],
};

async function listKeys(call: Call): Promise<number> {
  const { openAccessFile } = await import("./access-file.ts");
  const { formatTable, formatTime } = await import("./terminal.ts");
  const keys = await (await openAccessFile(call.workspace)).keys();
  if (call.json) call.print(JSON.stringify({ keys }, null, 2));
  else if (keys.length === 0) call.print("there are no keys");
  else {
    const now = Date.now();
    const rows = keys.map((key) => {
      const { name, prefix, createdAt, expiresAt } = key;
      const isOver = expiresAt !== undefined && expiresAt <= now;
      const end = expiresAt === undefined ? "never" : `${isOver ? "over since " : ""}${formatTime(expiresAt, now)}`;
      const expires = isOver ? ({ text: end, style: "red" } as const) : end;
      return [name, `${prefix}…`, ...grantColumns(key), formatTime(createdAt, now), expires];
    });
    call.print(formatTable(["NAME", "KEY", ...grantHead, "MADE", "EXPIRES"], rows, call.style));
  }
  return exitCodes.ok;
}

async function createKey(call: Call): Promise<number> {
  const { openAccessFile } = await import("./access-file.ts");
  const { readExpiry } = await import("./access-expiry.ts");
  const name = call.argument ?? "";
  const grant = readGrant(call);
  const expiresAt = readExpiry(call.options.expires, Date.now());
  const access = await openAccessFile(call.workspace);
  const key = await access.createKey(name, grant, expiresAt);
  if (call.json) call.print(JSON.stringify({ name, key, expiresAt, ...grant }));
  else {
    call.print(`${call.style("green", "made")} key ${name}. It is kept as a hash and cannot be shown again:\n`);
    call.print(key);
  }
  return exitCodes.ok;
}

async function removeKey(call: Call): Promise<number> {
  const { openAccessFile, reportDone } = await import("./access-file.ts");
  const name = call.argument ?? "";
  const access = await openAccessFile(call.workspace);
  await access.removeKey(name);
  return reportDone(call, { removed: name }, `removed key ${name}`);
}
