import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, existsSync, openSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A folder with servers in it. All of them end, and the folder goes, when `release` is called or when this process dies. */
export interface Leash {
  readonly folder: string;
  /** Starts a server in the foreground, its output in `folder/log`. */
  readonly start: (argv: readonly string[], env?: NodeJS.ProcessEnv) => LeashedServer;
  readonly release: () => Promise<void>;
}

export interface LeashedServer {
  readonly pid: number;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Ends it with SIGTERM and waits until it has ended. */
  readonly end: () => Promise<void>;
  /** Waits until `ready` says yes. Fails with the server's log when it ends or 20 s are over. */
  readonly becomes: (ready: () => Promise<boolean> | boolean) => Promise<void>;
}

// The reaper reads a pipe whose other end is ours: it wakes when we close it, and just so when we are killed with -9.
// It finds the servers and their children by four marks, since none is on all: the session that a server leads (it is noted
// in the file "sessions"; nginx overwrites its environment), CONFIG_SYNC_LEASH in the environment (containerd leads a
// session of its own), a root file system mounted from the folder (containers have neither), and the session of whatever
// names a file of the folder on its command line (what made itself a daemon), unless that is the test's own session.
// SIGKILL at once: nothing of them is to be kept, and a supervisord takes seconds to end on SIGTERM.
const reaper = `
session_of() { sed -n "s/^.*) [A-Z] [0-9]* [0-9]* \\([0-9]*\\) .*/\\1/p" "/proc/$1/stat" 2>/dev/null; }
ours=$(session_of $PPID)
cat >/dev/null
sessions() {
  cat "$1/sessions"
  for pid in $(grep -lsaF "$1/" /proc/[0-9]*/cmdline | cut -d/ -f3); do session_of "$pid" | grep -vx "$ours"; done
}
leashed() {
  {
    for session in $(sessions "$1" | sort -u); do
      sed -sn "s/^\\([0-9]*\\) (.*) [A-Y] [0-9]* [0-9]* $session .*/\\1/p" /proc/[0-9]*/stat
    done
    grep -lsaz "^CONFIG_SYNC_LEASH=$1\\$" /proc/[0-9]*/environ | cut -d/ -f3
    grep -ls " / / .*$1/" /proc/[0-9]*/mountinfo | cut -d/ -f3
  } 2>/dev/null | sort -u
}
for pid in $(leashed "$1"); do kill -CONT "$pid" 2>/dev/null; done
eval "$2"
for i in $(seq 50); do
  pids=$(leashed "$1"); [ -z "$pids" ] && break
  kill -KILL $pids 2>/dev/null; sleep 0.05
done
cut -d' ' -f2 /proc/self/mounts | grep "^$1/" | sort -r | while read -r mount; do umount -l "$mount"; done
rm -rf "$1" || { sleep 0.5; rm -rf "$1"; }
`;

/** `before` is a shell text that runs first at the end; `$1` in it is the folder. */
export async function leash(name: string, before = ":"): Promise<Leash> {
  const folder = await mkdtemp(path.join(tmpdir(), `config-sync-test-${name}-`));
  const guard = spawn("/bin/sh", ["-c", reaper, "sh", folder, before], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.unref();
  const gone = once(guard, "exit");
  return {
    folder,
    start: (argv, env) => startServer(folder, argv, env),
    release: async () => {
      guard.ref();
      guard.stdin.end();
      if (guard.exitCode === null) await gone;
    },
  };
}

function startServer(folder: string, [program = "", ...args]: readonly string[], env?: NodeJS.ProcessEnv) {
  if (path.isAbsolute(program) && !existsSync(program)) {
    throw new Error(`${program} is missing; npm test installs the servers that the tests need`);
  }
  const log = openSync(path.join(folder, "log"), "a");
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...env, CONFIG_SYNC_LEASH: folder },
  });
  closeSync(log);
  appendFileSync(path.join(folder, "sessions"), `${child.pid}\n`);
  child.unref();
  return {
    pid: child.pid ?? -1,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    end: () => end(child),
    becomes: (ready: () => Promise<boolean> | boolean) => becomes(child, folder, ready),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.ref();
  child.kill("SIGTERM");
  await gone;
}

async function becomes(child: ChildProcess, folder: string, ready: () => Promise<boolean> | boolean): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!(await ready())) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > limit) {
      const log = await readFile(path.join(folder, "log"), "utf8");
      throw new Error(`${child.spawnfile} ${ended ? "ended" : "is not ready after 20 s"}:\n${log.slice(-4000)}`);
    }
    await sleep(20);
  }
}
