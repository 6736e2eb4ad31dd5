/** The git program on a bare repository: shut off from the user's and the machine's settings, without hooks, never asking. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { setPriority } from "node:os";
import { delimiter, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { maskUrls } from "../config/secret.ts";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { interrupted, startDeadline } from "./deadline.ts";

export interface GitOptions {
  /** For standard input, which is empty without it. */
  readonly input?: readonly Uint8Array[];
  /** Milliseconds; a minute without it. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  /** For this run, on top of those that every run has. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Exit codes besides 0 that are an answer. */
  readonly answers?: readonly number[];
  /** Work that may take its time and must not take it from others. */
  readonly isIdleWork?: boolean;
}

export interface GitAnswer {
  readonly code: number;
  readonly output: Buffer;
}

export interface Git {
  /** The repository, which need not be there yet. */
  readonly folder: string;
  /** Runs git and waits for its end. Throws HISTORY_UNUSABLE with what git said, TIMED_OUT. */
  readonly run: (args: readonly string[], options?: GitOptions) => Promise<GitAnswer>;
  /** Starts git with its pipes open. The caller ends it. */
  readonly start: (args: readonly string[]) => ChildProcessWithoutNullStreams;
}

export function gitIn(folder: string): Git {
  const start = (args: readonly string[], { environment = {}, settings = {} }: GitOptions = {}) =>
    // A group of its own, so that what git starts (ssh, pack-objects) ends with it. The folder we are in may be gone.
    spawn("git", [...args], { cwd: "/", env: { ...environmentFor(folder, settings), ...environment }, detached: true });
  return { folder, start, run: (args, options = {}) => run(start(args, options), args[0] ?? "", options) };
}

/** Throws HISTORY_UNUSABLE where there is no git on the PATH. Costs no process. */
export function requireGit(path = process.env.PATH ?? ""): void {
  const isThere = (folder: string): boolean => {
    try {
      accessSync(join(folder, "git"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  if (!path.split(delimiter).some(isThere)) throw noGit();
}

function noGit(cause?: unknown): ConfigSyncError {
  return new ConfigSyncError("HISTORY_UNUSABLE", "git is not installed, and the history is a git repository", {
    hint: 'Install git (apt-get install git, apk add git), or keep no history: "history: { memory: true }"',
    retryable: false,
    cause,
  });
}

const longestOutput = 256 * 1024 * 1024;

async function run(child: ChildProcessWithoutNullStreams, what: string, options: GitOptions): Promise<GitAnswer> {
  const { input = [], timeout = 60_000, signal, answers = [], isIdleWork = false } = options;
  using time = startDeadline(signal ?? new AbortController().signal, timeout);
  const limit = time.signal;
  const output: Buffer[] = [];
  let size = 0;
  let said = "";
  const end = (): void => endGroup(child);
  child.stdout.on("data", (chunk: Buffer) => {
    output.push(chunk);
    size += chunk.length;
    if (size > longestOutput) end();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk).slice(-8192);
  });
  // A program that ends without reading its input makes this pipe fail; its exit code says why.
  child.stdin.on("error", () => undefined);
  const ended = once(child, "close");
  if (isIdleWork) lowerPriority(child.pid);
  limit.addEventListener("abort", end, { once: true });
  try {
    child.stdin.cork();
    for (const bytes of input) child.stdin.write(bytes);
    child.stdin.end();
    const [code] = (await ended) as [number | null];
    if (limit.aborted) throw interrupted(`git ${what} did not end`, limit, timeout);
    if (code === 0 || (code !== null && answers.includes(code))) return { code, output: Buffer.concat(output) };
    throw new ConfigSyncError("HISTORY_UNUSABLE", `git ${what} failed: ${lastWords(said) || `exit code ${code}`}`);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") throw noGit(cause);
    throw cause;
  } finally {
    limit.removeEventListener("abort", end);
  }
}

/** Ends git and what it started. On SIGTERM it removes its lock files, so that comes first. */
export function endGroup(child: ChildProcessWithoutNullStreams): void {
  signalGroup(child, "SIGTERM");
  setTimeout(() => signalGroup(child, "SIGKILL"), 1000).unref();
}

function signalGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  const isOver = child.exitCode !== null || child.signalCode !== null;
  try {
    if (child.pid !== undefined && !isOver) process.kill(-child.pid, signal);
  } catch {
    // It ended by itself in this moment.
  }
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, 10);
  } catch {
    // A matter of manners only.
  }
}

/** What git complained about, in a line: without progress, hints and passwords. */
function lastWords(said: string): string {
  const lines = stripVTControlCharacters(said)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\x00-\x1f\x7f-\x9f]/g, " ").trim())
    .filter((line) => line !== "" && !/^(hint:|remote: (Counting|Compressing|Total|Resolving))/.test(line));
  const telling = lines.filter((line) => /^(fatal|error|!|remote):?\s/.test(line));
  return maskUrls((telling.length > 0 ? telling : lines).join("; ")).slice(0, 500);
}

const passedOn = /^(PATH|TZ|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|GIT_SSL_CAINFO|(https?|all|no)_proxy)$/i;

function environmentFor(folder: string, more: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => passedOn.test(entry[0]) && entry[1] !== undefined,
  );
  const settings = Object.entries({ ...gitSettings, ...more }).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    ...Object.fromEntries(own),
    GIT_DIR: folder,
    HOME: "/nonexistent",
    XDG_CONFIG_HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "file:http:https:ssh:git",
    GIT_SSH_COMMAND: "ssh -o BatchMode=yes",
    LC_ALL: "C",
    GIT_CONFIG_COUNT: `${settings.length / 2}`,
    ...Object.fromEntries(settings),
  };
}

/** Beats whatever stands in the repository's own config. */
const gitSettings = {
  // Objects and references survive a power cut by the time that git ends.
  "core.fsync": "all",
  "core.fsyncMethod": "fsync",
  // Every import makes one pack, which one fsync of a folder makes durable; single objects would take one each.
  "fastimport.unpackLimit": "0",
  "core.hooksPath": "/dev/null",
  "core.attributesFile": "/dev/null",
  "credential.helper": "",
  "gc.auto": "0",
  "pack.threads": "1",
  "pack.windowMemory": "32m",
};
