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
  readonly pid: number;
  /** The first event from now on that is wanted. Fails when the daemon ends, or nothing like it comes for fifteen seconds. */
  readonly tells: (wanted: (event: SyncEvent) => boolean) => Promise<SyncEvent>;
  readonly measure: () => Promise<Sample>;
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

const patience = 15_000;
const lastLines = 20;

/** Resolves when these services have become healthy. */
export async function startSoakDaemon(workspace: Workspace, services: readonly string[]): Promise<SoakDaemon> {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const meter = join(import.meta.dirname, "soak-meter.ts");
  const args = ["--import", meter, main, "start", "--workspace", workspace.folder, "--log", "json"];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NO_COLOR: "1", CONFIG_SYNC_LEASH: workspace.folder },
  });
  const said: string[] = [];
  let waiter: ((event: SyncEvent | undefined) => void) | undefined;
  for (const input of [child.stdout, child.stderr].filter((stream) => stream !== null)) {
    createInterface({ input }).on("line", (line) => {
      said.push(line);
      said.splice(0, said.length - lastLines);
      const event = readEvent(line);
      if (event !== undefined) waiter?.(event);
    });
  }
  const ended = once(child, "close").then(() => {
    waiter?.(undefined);
    return child.exitCode;
  });
  const pid = child.pid ?? -1;
  const fail = (why: string): Error => new Error(`${why}. The daemon said:\n${said.join("\n")}`);

  const tells: SoakDaemon["tells"] = (wanted) =>
    new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        waiter = undefined;
        action();
      };
      const timer = setTimeout(() => settle(() => reject(fail("What is waited for did not come"))), patience);
      waiter = (event) => {
        if (event === undefined) settle(() => reject(fail("The daemon ended")));
        else if (wanted(event)) settle(() => resolve(event));
      };
    });

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
  return { pid, tells, measure, signal: (name) => void child.kill(name), ended };
}

/** The event of a line of the log; undefined where it is about something else. */
function readEvent(line: string): SyncEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  return (JSON.parse(line) as { event?: SyncEvent }).event;
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

function readState(folder: string): Pick<Sample, "stateBytes" | "stateFiles"> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return { stateBytes: sizes.reduce((sum, size) => sum + size, 0), stateFiles: names.length };
}
