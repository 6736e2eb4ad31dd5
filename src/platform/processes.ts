import { once } from "node:events";
import { stat } from "node:fs/promises";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { execa as Execa } from "execa";
import type { Redact } from "../config/secret.ts";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { interrupted, startDeadline } from "./deadline.ts";
import { collectOutput } from "./output.ts";

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly timeout: number;
  readonly redact: Redact;
  readonly cwd?: string | undefined;
  /** Added to PATH, HOME, LANG and TZ; nothing else of our own environment reaches the program. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** For standard input, which is empty without it. */
  readonly input?: string | undefined;
}

export interface CommandResult {
  /** 128 + N where signal N ended the program, as shells report it. */
  readonly exitCode: number;
  /** Standard output and error as they came: redacted, printable, at most 64 KiB of beginning and end. */
  readonly output: string;
}

/**
 * Runs a program and waits for its end. No shell; the program leads a process group of its own.
 *
 * The end is the program's own: a child that it leaves behind with our pipe still open is not waited for. When time is up or
 * `signal` fires, the whole group is ended (SIGTERM, a second later SIGKILL) and TIMED_OUT is thrown.
 *
 * What left the group (setsid) lives on even then, and on purpose: that is how a daemon is made, and a script that starts a service
 * and then hangs must not take the service down with it.
 *
 * A program that is missing or not executable is UNREACHABLE, and not worth a retry: only a person can mend it.
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [program = "", ...args] = argv;
  await checkArguments(program, argv, options);
  using time = startDeadline(options.signal, options.timeout);
  const limit = time.signal;
  if (limit.aborted) throw interrupted(`${program} did not start`, limit);
  const { execa } = await import("execa");
  const child = start(execa, program, args, options);
  const output = collectOutput();
  child.stdout.on("data", output.add);
  child.stderr.on("data", output.add);

  const exit = await untilExit(child, limit);
  if (exit === "interrupted") {
    await endGroup(child.pid);
    close(child);
    throw interrupted(`${program} did not end`, limit, options.timeout);
  }
  await drain(child);
  close(child);
  if (child.pid === undefined) throw startFailure(program, (await child).cause);
  return { exitCode: exit, output: output.text(options.redact) };
}

async function checkArguments(program: string, argv: readonly string[], { cwd, env = {} }: CommandOptions) {
  const texts = [...argv, ...Object.entries(env).flat()];
  if (texts.some((text) => text.includes("\0"))) {
    throw new ConfigSyncError(
      "VALUE_INVALID",
      "an argument or environment variable of a command holds a NUL character",
    );
  }
  if (cwd === undefined) return;
  const folder = await stat(cwd).catch(() => undefined);
  if (folder?.isDirectory()) return;
  throw new ConfigSyncError("UNREACHABLE", `${program} cannot run in ${cwd}: there is no such folder`, {
    retryable: false,
  });
}

type Child = ReturnType<typeof start>;

function start(execa: typeof Execa, program: string, args: readonly string[], { cwd, env, input }: CommandOptions) {
  const child = execa(program, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...baseEnvironment(), ...env },
    extendEnv: false,
    stdin: input === undefined ? "ignore" : "pipe",
    buffer: false,
    reject: false,
    killDescendants: true,
  });
  // A program that ends without reading its input makes this pipe fail, which is no failure of ours.
  child.stdin?.on("error", () => {}).end(input);
  return child;
}

function baseEnvironment(): Record<string, string> {
  const { PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME, LANG, TZ } = process.env;
  return { PATH, ...(HOME && { HOME }), ...(LANG && { LANG }), ...(TZ && { TZ }) };
}

async function untilExit(child: Child, limit: AbortSignal): Promise<number | "interrupted"> {
  if (child.pid === undefined) return -1;
  try {
    const [code, signal] = (await once(child.nodeChildProcess, "exit", { signal: limit })) as [
      number | null,
      NodeJS.Signals | null,
    ];
    return code ?? 128 + constants.signals[signal ?? "SIGKILL"];
  } catch (error) {
    if (limit.aborted) return "interrupted";
    throw error;
  }
}

async function endGroup(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  for (let waited = 0; waited < 1000; waited += 20) {
    if (!signalGroup(pid, 0)) return;
    await sleep(20);
  }
  signalGroup(pid, "SIGKILL");
}

/** Whether there was anyone left in the group. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

/** What the program wrote last is still in the pipe. The pipe's end comes with it, unless a child inherited the pipe. */
async function drain(child: Child): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream) => !stream.readableEnded);
  await Promise.race([Promise.all(streams.map((stream) => once(stream, "end"))), sleep(100)]);
}

function close(child: Child): void {
  child.stdout.destroy();
  child.stderr.destroy();
}

function startFailure(program: string, cause: unknown): ConfigSyncError {
  const reasons: Record<string, string> = {
    ENOENT: "there is no such program",
    EACCES: "the file is not executable for this user",
  };
  const reason = reasons[systemCode(cause) ?? ""] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ConfigSyncError("UNREACHABLE", `${program} cannot be started: ${reason}`, {
    hint: "Install it, or correct the command in the manifest",
    retryable: false,
  });
}
