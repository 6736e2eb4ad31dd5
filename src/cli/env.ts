import type { Command, CommandGroup } from "./command.ts";

const message = { flags: "-m, --message <text>", description: "why, for the history" };
const wait = { flags: "--wait", description: "wait until the services are healthy on it" };
const service = { flags: "--service <name>", description: "for this service only, not for all of them" };

const list: Command = {
  name: "list",
  summary: "the variables, where each comes from, and which services get it",
  help: `
What is secret is shown as [secret].

Examples:
  config-sync env list
  config-sync env list --service shop
  config-sync env list --json

Exit codes: 0 listed, 1 the configuration cannot be read.`,
  options: [{ ...service, description: "only those that are defined for this service" }],
  run: async (call) => (await import("./env-read.ts")).listEnvironment(call),
};

const get: Command = {
  name: "get",
  argument: "<name>",
  summary: "print the value of a variable",
  help: `
Examples:
  config-sync env get TZ
  config-sync env get DB_PASSWORD --service shop --reveal

Exit codes: 0 found, 1 there is no such variable, or nothing gives what it is
mapped from.`,
  options: [service, { flags: "--reveal", description: "print secrets as they are" }],
  run: async (call) => (await import("./env-read.ts")).printVariable(call),
};

const set: Command = {
  name: "set",
  argument: "<assignment>",
  summary: "set a variable: NAME=VALUE",
  help: `
A name that one of its services cannot take is refused, and so is a value that a
reader of its file could not get back. What stands on a command line can be seen
by other users of this machine: give a password with --stdin.

Examples:
  config-sync env set TZ=Europe/Berlin
  config-sync env set LOG_LEVEL=debug --service shop -m "looking for a fault"
  config-sync env set DB_PASSWORD --stdin < password.txt

Exit codes: 0 set, 1 refused; with --wait 1 too when a service did not become
healthy.`,
  options: [service, { flags: "--stdin", description: "read the value from standard input" }, message, wait],
  run: async (call) => (await import("./env-change.ts")).setVariable(call),
};

const unset: Command = {
  name: "unset",
  argument: "<name>",
  summary: "remove a variable; it leaves the files of its services",
  help: `
Examples:
  config-sync env unset TZ

Exit codes: 0 removed, 1 refused or not there; with --wait 1 too when a service
did not become healthy.`,
  options: [service, message, wait],
  run: async (call) => (await import("./env-change.ts")).changeEnvironment(call, "environment", call.argument ?? ""),
};

const map: Command = {
  name: "map",
  argument: "<assignment>",
  summary: "map a variable from the configuration: NAME=SECTION.KEY",
  help: `
A text takes in keys with \${section.key}, and $$ is a dollar sign. A name that
ends in * takes a whole section: each key in capitals where the * is.

Examples:
  config-sync env map SMTP_HOST=mail.host
  config-sync env map 'SITE_URL=https://\${app.domain}:\${app.port}/' --service shop
  config-sync env map 'MAIL_*=mail.*'

Exit codes: 0 mapped, 1 refused; with --wait 1 too when a service did not become
healthy.`,
  options: [service, message, wait],
  run: async (call) => (await import("./env-change.ts")).mapVariable(call),
};

const unmap: Command = {
  name: "unmap",
  argument: "<name>",
  summary: "remove a mapping; its variables leave the files of their services",
  help: `
Examples:
  config-sync env unmap SMTP_HOST
  config-sync env unmap 'MAIL_*'

Exit codes: 0 removed, 1 refused or not there; with --wait 1 too when a service
did not become healthy.`,
  options: [service, message, wait],
  run: async (call) => (await import("./env-change.ts")).changeEnvironment(call, "mappings", call.argument ?? ""),
};

export const env: CommandGroup = {
  name: "env",
  summary: "the environment variables that services get",
  help: `
They stand in the file that "environment" in config-sync.yaml names: variables
of their own, and mappings from keys of the configuration. A service gets them
where its manifest says "environment: true".

Examples:
  config-sync env list
  config-sync env set TZ=Europe/Berlin
  config-sync env map SMTP_HOST=mail.host

Exit codes: 0 done, 1 not done.`,
  commands: [list, get, set, unset, map, unmap],
};
