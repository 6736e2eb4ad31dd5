import type { StyleFormat } from "./terminal.ts";

/** One command of the command line: a file each, listed in program.ts. What it needs beyond its help it imports when it runs. */
export interface Command {
  readonly name: string;
  /** `SECTION.KEY`, `[SERVICE]`: as commander writes arguments. */
  readonly argument?: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The page that --help prints below the options: what it does, examples, exit codes. */
  readonly help: string;
  readonly options?: readonly Option[];
  /** False for what has to do with no workspace, and so takes none. */
  readonly workspace?: false;
  /** Resolves to the exit code. */
  readonly run: (call: Call) => Promise<number>;
}

export interface Option {
  /** `--log <format>`: as commander writes options. */
  readonly flags: string;
  readonly description: string;
  readonly fallback?: string;
  /** May be given several times; its value is an array. */
  readonly repeat?: true;
}

/** Commands that begin with the same word: `access key list`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

export interface Call {
  /** The workspace folder, absolute. */
  readonly workspace: string;
  /** The first of the arguments. */
  readonly argument: string | undefined;
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** Print for programs, not for people. */
  readonly json: boolean;
  readonly print: (text: string) => void;
  readonly style: StyleFormat;
}

/** Documented in docs/cli.md; scripts rely on them. */
export const exitCodes = {
  ok: 0,
  /** Something is wrong; it was said on standard error, or in the JSON. */
  error: 1,
  /** `plan`: there is something to do. */
  changes: 2,
  /** The command line cannot be understood (EX_USAGE of sysexits). */
  usage: 64,
} as const;
