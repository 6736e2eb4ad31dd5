import { readFile } from "node:fs/promises";
import { ConfigSyncError } from "../errors.ts";
import type { ProcessInfo } from "./supervisord.ts";
import type { Call } from "./supervisord-rpc.ts";

/** Throws RELOAD_REFUSED where one of the programs is this process itself. */
export async function refuseOwn(
  call: Call,
  programs: readonly ProcessInfo[],
  verb: string,
  signal: AbortSignal,
): Promise<void> {
  const supervisordPid = async () => Number(await call("getPID", [], signal));
  for (const program of programs) {
    if (!(await isOwnProgram(program, supervisordPid))) continue;
    const name = program.group === program.name ? program.name : `${program.group}:${program.name}`;
    throw new ConfigSyncError("RELOAD_REFUSED", `config-sync itself runs as ${name} and does not ${verb} it`, {
      hint: "Leave its own program out of the manifests, and restart it with supervisorctl",
      retryable: false,
    });
  }
}

/**
 * Whether this process runs as that program of that supervisord: to stop it would end us in the middle of the work.
 *
 * supervisord tells its programs their names in the environment. Where that was lost (sudo, env -i), the process tree says it:
 * the program is this process or an ancestor, and its parent is the supervisord. Pids of another container can be the
 * same numbers by chance, so the parent's command line is looked at too.
 */
export async function isOwnProgram(
  program: ProcessInfo,
  supervisordPid: () => Promise<number>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  const named = env.SUPERVISOR_PROCESS_NAME === program.name && env.SUPERVISOR_GROUP_NAME === program.group;
  if (env.SUPERVISOR_SERVER_URL !== undefined && named) return true;
  if (program.pid <= 0) return false;
  const line = await ancestry(process.pid);
  const parent = line[line.indexOf(program.pid) + 1];
  if (!line.includes(program.pid) || parent === undefined || parent !== (await supervisordPid())) return false;
  return (await readProc(parent, "cmdline")).includes("supervisord");
}

/** The process, its parent, its parent's parent … */
async function ancestry(pid: number): Promise<number[]> {
  const line: number[] = [];
  for (let at = pid; at > 0 && line.length < 100; ) {
    line.push(at);
    // "PID (name) state PPID …": a name may hold anything, also ") ".
    const stat = await readProc(at, "stat");
    at = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  }
  return line;
}

async function readProc(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}
