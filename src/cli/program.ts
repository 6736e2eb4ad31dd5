/** The command line: which commands there are, what they have in common, how errors and exit codes come out. */
import { resolve } from "node:path";
import { Command as Commander, CommanderError } from "commander";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { version } from "../version.ts";
import { access } from "./access.ts";
import { apply } from "./apply.ts";
import { audit } from "./audit.ts";
import { type Call, type Command, type CommandGroup, exitCodes } from "./command.ts";
import { diff } from "./diff.ts";
import { doctor } from "./doctor.ts";
import { env } from "./env.ts";
import { explain } from "./explain.ts";
import { get } from "./get.ts";
import { history } from "./history.ts";
import { init } from "./init.ts";
import { plan } from "./plan.ts";
import { reload } from "./reload.ts";
import { retry } from "./retry.ts";
import { rollback } from "./rollback.ts";
import { schema } from "./schema.ts";
import { secrets } from "./secrets.ts";
import { server } from "./server.ts";
import { set } from "./set.ts";
import { show } from "./show.ts";
import { start } from "./start.ts";
import { status } from "./status.ts";
import { createStyle } from "./terminal.ts";
import { unset } from "./unset.ts";
import { validate } from "./validate.ts";
import { wait } from "./wait.ts";

/** In the order in which --help lists them. */
export const commands: readonly (Command | CommandGroup)[] = [
  init,
  start,
  server,
  plan,
  apply,
  status,
  validate,
  explain,
  reload,
  retry,
  doctor,
  wait,
  get,
  set,
  unset,
  history,
  show,
  diff,
  rollback,
  access,
  schema,
  secrets,
  env,
  audit,
];

/** Runs one command line (without node and script). Resolves to the exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = new Commander("config-sync")
    .description("Keeps every service running on the configuration in config.ini, and proves it.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(--help tells what there is)")
    .configureOutput({ outputError: (text, write) => write(withoutValues(text)) })
    .addHelpText("after", generalHelp);
  for (const command of commands) {
    addCommand(program, command, (code) => {
      exitCode = code;
    });
  }
  const json = argv.includes("--json");
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError))
      return reportError(asConfigSyncError(error), json, !argv.includes("--no-color"));
    if (error.exitCode === 0) return exitCodes.ok;
    if (json) printJson({ error: new ConfigSyncError("USAGE", withoutValues(error.message.replace(/^error: /, ""))) });
    return exitCodes.usage;
  }
}

function addCommand(program: Commander, command: Command | CommandGroup, finish: (exitCode: number) => void): void {
  if ("commands" in command) addGroup(program, command, finish);
  else addLeaf(program, command, finish);
}

function addGroup(program: Commander, group: CommandGroup, finish: (exitCode: number) => void): void {
  const added = program.command(group.name).summary(group.summary).description(group.summary);
  added.addHelpText("after", `\n${group.help.trim()}\n`);
  for (const command of group.commands) addCommand(added, command, finish);
}

function addLeaf(program: Commander, command: Command, finish: (exitCode: number) => void): void {
  const added = program
    .command(command.name)
    .summary(command.summary)
    .description(command.summary)
    .addHelpText("after", `\n${command.help.trim()}\n`);
  const here = process.env.CONFIG_SYNC_WORKSPACE ?? ".";
  if (command.workspace !== false) added.option("-w, --workspace <dir>", "the folder with config-sync.yaml", here);
  added.option("--json", "print JSON for programs").option("--no-color", "print without colours");
  if (command.argument !== undefined) added.argument(command.argument);
  for (const { flags, description, fallback, repeat } of command.options ?? []) {
    if (repeat) added.option(flags, description, (value: string, before: string[] = []) => [...before, value]);
    else added.option(flags, description, fallback);
  }
  added.action(async (...given: unknown[]) => {
    const options = added.opts<Call["options"]>();
    // Behind the arguments stand the options and commander's own command.
    const words = given.slice(0, -2).flatMap((word) => (word as string | readonly string[] | undefined) ?? []);
    const code = await command.run({
      workspace: resolve(String(options.workspace ?? here)),
      argument: words[0],
      arguments: words,
      options,
      json: options.json === true,
      print: (text) => void process.stdout.write(`${text}\n`),
      style: createStyle(options.color !== false, process.stdout),
    });
    finish(code);
  });
}

function reportError(error: ConfigSyncError, json: boolean, color: boolean): number {
  if (json) printJson({ error });
  const style = createStyle(color, process.stderr);
  process.stderr.write(`${style("red", "error:")} ${error.toText()}\n`);
  if (error.code === "INTERNAL" && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
  return error.code === "USAGE" ? exitCodes.usage : exitCodes.error;
}

/** commander repeats what it does not understand. Behind a mistyped option, and in a word too many, a password may stand. */
function withoutValues(message: string): string {
  return message.replace(/(but got \d+): .*(?=\.)/s, "$1").replace(/(unknown option ')(--[^'=]*|-[^-]).*'/s, "$1$2'");
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

const generalHelp = `
Begin with:
  config-sync init my-stack --preset websoft9   make a workspace
  config-sync plan -w my-stack                  see what would change, and why
  config-sync start -w my-stack                 run the daemon on it

Exit codes:
  0   all is well
  1   something is wrong
  2   "plan" has changes
  64  the command line cannot be understood

CONFIG_SYNC_WORKSPACE names the workspace where --workspace is not given.`;
