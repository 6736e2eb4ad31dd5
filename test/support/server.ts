/** `config-sync server` as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

const main = path.join(import.meta.dirname, "../../src/main.ts");

export interface StartedServer {
  readonly child: ChildProcess;
  /** Where it listens: `http://127.0.0.1:41234`. */
  readonly at: string;
  readonly adminKey: string | undefined;
  readonly apps: number;
  /** What it wrote to standard error so far. */
  readonly errors: readonly string[];
}

/** On any port that is free. Throws with what the process said where it ends instead. `running` gets the process at once. */
export async function startServer(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  running: ChildProcess[],
): Promise<StartedServer> {
  const child = spawn(process.execPath, [main, "server", "--port", "0", "--json", ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(([code]) => {
      throw new Error(`it ended with ${code}: ${errors.join("")}`);
    }),
  ]);
  const { addresses, adminKey, apps, error } = JSON.parse(line as string);
  if (error !== undefined) throw new Error(JSON.stringify(error));
  return { child, at: addresses[0], adminKey, apps, errors };
}

/** Resolves to the exit code, when it has ended. */
export async function endServer(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  return (await ended)[0] as number | null;
}
