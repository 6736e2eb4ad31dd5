import { grantColumns, grantHead, grantOptions, readGrant } from "./access-grant.ts";
import { type Call, type Command, type CommandGroup, exitCodes, type Option } from "./command.ts";

const passwordOption: Option = {
  flags: "--password-stdin",
  description: "read it from standard input, not from the terminal",
};

const list: Command = {
  name: "list",
  summary: "show every user",
  help: `
Examples:
  config-sync access user list

Exit codes: 0 shown, 1 the file cannot be read.`,
  run: listUsers,
};

const create: Command = {
  name: "create",
  argument: "<name>",
  summary: "make a user",
  help: `
The password is asked for. It has at least twelve characters.

Examples:
  config-sync access user create ann --role editor
  pass show ann | config-sync access user create ann --role editor \\
    --password-stdin

Exit codes: 0 made, 1 not made.`,
  options: [...grantOptions, passwordOption],
  run: createUser,
};

const password: Command = {
  name: "password",
  argument: "<name>",
  summary: "give a user another password, and end their logins",
  help: `
Examples:
  config-sync access user password ann

Exit codes: 0 changed, 1 not changed.`,
  options: [passwordOption],
  run: setPassword,
};

const grant: Command = {
  name: "grant",
  argument: "<name>",
  summary: "give a user another role, and end their logins",
  help: `
The role that the user had, with its apps and sections, is replaced.

Examples:
  config-sync access user grant ann --role editor --app default
  config-sync access user grant ann --role viewer

Exit codes: 0 changed, 1 not changed.`,
  options: grantOptions,
  run: setGrant,
};

const remove: Command = {
  name: "remove",
  argument: "<name>",
  summary: "remove a user, and end their logins",
  help: `
Examples:
  config-sync access user remove ann

Exit codes: 0 removed, 1 there is no such user.`,
  run: removeUser,
};

export const userCommands: CommandGroup = {
  name: "user",
  summary: "users for people, with passwords",
  help: `
Examples:
  config-sync access user create ann --role editor

Exit codes: 0 done, 1 not done.`,
  commands: [list, create, password, grant, remove],
};

async function listUsers(call: Call): Promise<number> {
  const { openAccessFile } = await import("./access-file.ts");
  const { formatTable, formatTime } = await import("./terminal.ts");
  const users = await (await openAccessFile(call.workspace)).users();
  if (call.json) call.print(JSON.stringify({ users }, null, 2));
  else if (users.length === 0) call.print("there are no users");
  else {
    const rows = users.map((user) => [user.name, ...grantColumns(user), formatTime(user.createdAt, Date.now())]);
    call.print(formatTable(["NAME", ...grantHead, "MADE"], rows, call.style));
  }
  return exitCodes.ok;
}

async function createUser(call: Call): Promise<number> {
  const { openAccessFile, reportDone } = await import("./access-file.ts");
  const { readPassword } = await import("./read-password.ts");
  const name = call.argument ?? "";
  const granted = readGrant(call);
  const access = await openAccessFile(call.workspace);
  await access.createUser(name, await readPassword(call), granted);
  return reportDone(call, { name, ...granted }, `made user ${name}`);
}

async function setPassword(call: Call): Promise<number> {
  const { openAccessFile, reportDone } = await import("./access-file.ts");
  const { readPassword } = await import("./read-password.ts");
  const name = call.argument ?? "";
  const access = await openAccessFile(call.workspace);
  await access.setPassword(name, await readPassword(call));
  return reportDone(call, { changed: name }, `changed the password of ${name}`);
}

async function setGrant(call: Call): Promise<number> {
  const { openAccessFile, reportDone } = await import("./access-file.ts");
  const name = call.argument ?? "";
  const granted = readGrant(call);
  const access = await openAccessFile(call.workspace);
  await access.setGrant(name, granted);
  return reportDone(call, { name, ...granted }, `${name} is ${granted.role} now`);
}

async function removeUser(call: Call): Promise<number> {
  const { openAccessFile, reportDone } = await import("./access-file.ts");
  const name = call.argument ?? "";
  const access = await openAccessFile(call.workspace);
  await access.removeUser(name);
  return reportDone(call, { removed: name }, `removed user ${name}`);
}
