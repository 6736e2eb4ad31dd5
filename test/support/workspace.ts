import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { leash } from "./leash.ts";

/** A temporary folder with configuration in it. Daemons that run on it end when it is removed, or when the test dies. */
export interface Workspace {
  readonly folder: string;
  /** The absolute path of a file in it. */
  readonly at: (file: string) => string;
  readonly read: (file: string) => Promise<string>;
  /** As `echo >` and some editors do: the file is truncated, then written. */
  readonly saveInPlace: (file: string, content: string) => Promise<void>;
  /** As vim and careful programs do: a new file takes the place of the old one. */
  readonly saveByRename: (file: string, content: string) => Promise<void>;
  /** `sed -i SCRIPT FILE`. */
  readonly sed: (script: string, file: string) => Promise<void>;
  readonly startDaemon: (options?: RunOptions) => Daemon;
  readonly remove: () => Promise<void>;
}

export interface Daemon {
  readonly pid: number;
  /** What it printed so far, standard output and error together. */
  readonly lines: readonly string[];
  /** The first line that matches, from the given index on; fails when the daemon ends or the time is over. */
  readonly waitForLine: (pattern: RegExp, from?: number, milliseconds?: number) => Promise<string>;
  /** Ends it as a service manager does and gives its exit code. */
  readonly stop: () => Promise<number | null>;
  /** Ends it as a power failure does. */
  readonly kill9: () => Promise<void>;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Its HTTP API listens where the settings say, and not only on the control socket. */
  readonly listens?: boolean;
}

/** `files` maps paths inside the workspace to their content. */
export async function makeWorkspace(files: Readonly<Record<string, string>>): Promise<Workspace> {
  const { folder, release } = await leash("workspace");
  const at = (file: string) => path.join(folder, file);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(at(file)), { recursive: true });
    await writeFile(at(file), content);
  }
  return {
    folder,
    at,
    read: (file) => readFile(at(file), "utf8"),
    saveInPlace: (file, content) => writeFile(at(file), content),
    saveByRename: async (file, content) => {
      await writeFile(at(`${file}.new`), content);
      await rename(at(`${file}.new`), at(file));
    },
    sed: async (script, file) => {
      const [code] = await once(spawn("sed", ["-i", script, at(file)], { stdio: "inherit" }), "exit");
      if (code !== 0) throw new Error(`sed ended with ${code}`);
    },
    startDaemon: (options = {}) => startDaemon(folder, options),
    remove: release,
  };
}

/** Runs `config-sync ARGS` to its end, as a person does. Fails only if it has not ended after 60 s. */
export async function runCli(
  args: readonly string[],
  options: Omit<RunOptions, "args"> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = run(args, options);
  const deadline = AbortSignal.timeout(60_000);
  deadline.addEventListener("abort", () => child.kill("SIGKILL"));
  const [[code], stdout, stderr] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
  if (deadline.aborted) throw new Error(`config-sync ${args.join(" ")} has not ended after 60 s:\n${stdout}${stderr}`);
  return { code, stdout, stderr };
}

function startDaemon(folder: string, { args = [], listens = false, ...options }: RunOptions): Daemon {
  const env = { ...options.env, CONFIG_SYNC_LEASH: folder };
  const child = run(["start", ...(listens ? [] : ["--no-api"]), "--workspace", folder, ...args], { ...options, env });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      tell();
    });
  }
  let closed = false;
  const ended = once(child, "close").then(() => {
    closed = true; // and not before: what it printed last is in the pipe when it has exited
    tell();
  });
  const fail = (why: string) => new Error(`${why}. The daemon printed:\n${lines.slice(-40).join("\n")}`);

  const waitForLine = (pattern: RegExp, from = 0, milliseconds = 10_000): Promise<string> =>
    new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer);
        listeners.delete(look);
        action();
      };
      const look = () => {
        const line = lines.slice(from).find((candidate) => pattern.test(candidate));
        if (line !== undefined) settle(() => resolve(line));
        else if (closed) settle(() => reject(fail(`The daemon ended without a line like ${pattern}`)));
      };
      const late = () => settle(() => reject(fail(`No line like ${pattern} within ${milliseconds} ms`)));
      const timer = setTimeout(late, milliseconds);
      listeners.add(look);
      look();
    });

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!closed) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    pid: child.pid ?? -1,
    lines,
    waitForLine,
    stop: () => end("SIGTERM"),
    kill9: () => end("SIGKILL").then(() => {}),
  };
}

function run(args: readonly string[], { cwd, env }: RunOptions) {
  const main = path.join(import.meta.dirname, "../../src/main.ts");
  return spawn(process.execPath, [main, ...args], {
    cwd: cwd ?? process.cwd(),
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Waits until the file's text is accepted, and gives it; wakes by file events. A file that is not there has no text. */
export async function waitForFile(
  file: string,
  accept: (content: string) => boolean,
  milliseconds = 10_000,
): Promise<string> {
  const deadline = AbortSignal.timeout(milliseconds);
  for (;;) {
    const watcher = watch(nearestFolder(file));
    try {
      const changed = once(watcher, "change", { signal: deadline }); // before the look, so that nothing falls in between
      changed.catch(() => {});
      const content = await readFile(file, "utf8").catch(() => undefined);
      if (content !== undefined && accept(content)) return content;
      if (deadline.aborted) throw new Error(`${file} is not as expected after ${milliseconds} ms:\n${content}`);
      await changed.catch(() => {});
    } finally {
      watcher.close();
    }
  }
}

function nearestFolder(file: string): string {
  const folder = path.dirname(file);
  return existsSync(folder) ? folder : nearestFolder(folder);
}
