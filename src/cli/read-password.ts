import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { ConfigSyncError } from "../errors.ts";
import type { Call } from "./command.ts";
import { readStdin } from "./read-stdin.ts";

/** Bytes. */
const largest = 4096;

/**
 * The new password: from the terminal, unseen and asked for twice, or from standard input. There is no option that holds it, since
 * every user of the machine can read command lines. Throws USAGE.
 */
export async function readPassword({ options }: Call): Promise<string> {
  if (options.passwordStdin === true) return readStdin("password", largest);
  if (process.stdin.isTTY !== true) {
    throw new ConfigSyncError("USAGE", "there is no terminal to ask for the password on", {
      hint: "Give it on standard input with --password-stdin",
    });
  }
  return askTwice();
}

/** On standard error: what goes to standard output may be for a program. */
async function askTwice(): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true, historySize: 0 });
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (prompt: string): Promise<string> => {
    process.stderr.write(prompt);
    const { value, done } = await lines.next();
    process.stderr.write("\n");
    // Ctrl-C, Ctrl-D.
    if (done) throw new ConfigSyncError("USAGE", "no password was given, and nothing was changed");
    return String(value);
  };
  try {
    const password = await ask("Password: ");
    if ((await ask("Once more: ")) === password) return password;
    throw new ConfigSyncError("USAGE", "these are two different passwords, and nothing was changed");
  } finally {
    terminal.close();
  }
}
