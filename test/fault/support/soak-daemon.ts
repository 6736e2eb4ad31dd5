/** The real daemon in a process of its own: every event that it tells can be waited for, and what it holds be measured. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { SyncEvent } from "../../../src/sync/events.ts";
import type { Workspace } from "../../support/workspace.ts";
import type { Alive } from "./soak-meter.ts";

export interface SoakDaemon {
  /** The first event from now on that is wanted. Fails when the daemon ends, or nothing like it comes for fifteen seconds. */
  readonly tells: (wanted: (event: SyncEvent) => boolean) => Promise<void>;
  readonly measure: () => Promise<Sample>;
  /** Makes it read settings, manifests and templates again, and waits until it goes on with them. */
  readonly reread: () => Promise<void>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** What the daemon holds at one moment. Memory in bytes. */
export interface Sample extends Alive {
  /** Resident, before garbage was collected. */
  readonly rss: number;
  readonly files: number;
  /** Of inotify. */
  readonly watches: number;
  readonly stateBytes: number;
  readonly stateFiles: number;
}

/** What the log says in a line. */
interface Line {
  readonly about: string;
  readonly event?: SyncEvent;
}

const patience = 15_000;
const lastLines = 20;

/** Resolves when these services have become healthy. */
export async function startSoakDaemon(workspace: Workspace, services: readonly string[]): Promise<SoakDaemon> {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const meter = join(import.meta.dirname, "soak-meter.ts");
  const args = ["--import", meter, main, "start", "--no-api", "--workspace", workspace.folder, "--log", "json"];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NO_COLOR: "1", CONFIG_SYNC_LEASH: workspace.folder },
  });
  const said: string[] = [];
  let waiter: ((line: Line | undefined) => void) | undefined;
  for (const input of [child.stdout, child.stderr].filter((stream) => stream !== null)) {
    createInterface({ input }).on("line", (line) => {
      said.push(line);
      said.splice(0, said.length - lastLines);
      if (line.startsWith("{")) waiter?.(JSON.parse(line));
    });
  }
  const ended = once(child, "close").then(() => {
    waiter?.(undefined);
    return child.exitCode;
  });
  const pid = child.pid ?? -1;
  const fail = (why: string): Error => new Error(`${why}. The daemon said:\n${said.join("\n")}`);

  const says = (wanted: (line: Line) => boolean): Promise<Line> =>
    new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        waiter = undefined;
        action();
      };
      const timer = setTimeout(() => settle(() => reject(fail("What is waited for did not come"))), patience);
      waiter = (line) => {
        if (line === undefined) settle(() => reject(fail("The daemon ended")));
        else if (wanted(line)) settle(() => resolve(line));
      };
    });

  const tells: SoakDaemon["tells"] = async (wanted) => {
    await says(({ event }) => event !== undefined && wanted(event));
  };

  const signal = (name: NodeJS.Signals): void => void child.kill(name);

  const reread = async (): Promise<void> => {
    const said = says(({ about }) => about === "settings");
    signal("SIGHUP");
    await said;
  };

  const measure = async (): Promise<Sample> => {
    const rss = readRss(pid);
    const answer = once(child, "message");
    child.send("measure");
    const [alive] = (await answer) as [Alive];
    return { rss, ...alive, ...readOpen(pid), ...readState(workspace.at("state")) };
  };

  const unhealthy = new Set(services);
  await tells((event) => {
    if (event.type === "service" && event.step === "healthy") unhealthy.delete(event.service);
    return unhealthy.size === 0;
  });
  return { tells, measure, reread, signal, ended };
}

function readRss(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

function readOpen(pid: number): Pick<Sample, "files" | "watches"> {
  const open = readdirSync(`/proc/${pid}/fdinfo`);
  const watches = open.flatMap((fd) => textIfThere(`/proc/${pid}/fdinfo/${fd}`).match(/^inotify wd:/gm) ?? []);
  return { files: open.length, watches: watches.length };
}

/** What is closed meanwhile has no text. */
function textIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Without the history and the audit log, which are there to grow. */
function readState(folder: string): Pick<Sample, "stateBytes" | "stateFiles"> {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const names = all.filter((name) => !/^(?:history|audit)/.test(name));
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return { stateBytes: sizes.reduce((sum, size) => sum + size, 0), stateFiles: names.length };
}
