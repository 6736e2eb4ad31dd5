import { setTimeout as sleep } from "node:timers/promises";
import { ConfigSyncError } from "../errors.ts";
import { interrupted } from "./deadline.ts";
import type { ProcessInfo } from "./supervisord.ts";
import { type Call, faultOf, faults, type Parameter, refused } from "./supervisord-rpc.ts";

/** Stops without `wait`, which would hold the connection for as long as `stopwaitsecs`, and looks until it has stopped. */
export async function stopProgram(call: Call, program: string, signal: AbortSignal): Promise<void> {
  await send(call, "stopProcess", [program, false], signal, [faults.notRunning]);
  await poll(signal, `${program} did not stop`, async () => isStopped(await infoOf(call, program, signal)));
}

export async function startProgram(call: Call, program: string, signal: AbortSignal): Promise<void> {
  // After a spawn error supervisord goes on trying; what comes of it, the state tells.
  await send(call, "startProcess", [program, false], signal, [faults.alreadyStarted, faults.spawnError]);
  await untilUp(call, program, signal);
}

/** A program that is starting may not listen yet, and most signals end what does not: it is told when `startsecs` are over. */
export async function signalProgram(call: Call, program: string, name: string, signal: AbortSignal): Promise<void> {
  await poll(
    signal,
    `${program} did not start`,
    async () => (await infoOf(call, program, signal)).state !== "STARTING",
  );
  const told = await send(call, "signalProcess", [program, name], signal, [faults.notRunning]);
  if (told !== undefined) return;
  const { state, spawnError } = await infoOf(call, program, signal);
  if (state === "FATAL") return startProgram(call, program, signal);
  const reason = spawnError === "" ? "" : `: ${spawnError}`;
  throw new ConfigSyncError("UNREACHABLE", `program ${program} is ${state}${reason}`, {
    hint: "It is told when it runs",
  });
}

/**
 * Until it runs. A program that ended as expected counts too: what has `startsecs=0` may be a task that is done. In BACKOFF
 * supervisord itself tries again; what kept it from starting is then the best answer when time is up.
 */
async function untilUp(call: Call, program: string, signal: AbortSignal): Promise<void> {
  let last: ProcessInfo | undefined;
  const settled = async () => {
    last = await infoOf(call, program, signal);
    return !["STARTING", "BACKOFF", "STOPPING"].includes(last.state);
  };
  try {
    await poll(signal, `${program} did not start`, settled);
  } catch (error) {
    if (!last?.spawnError) throw error;
  }
  if (last === undefined || last.state === "RUNNING" || (last.state === "EXITED" && last.spawnError === "")) return;
  throw new ConfigSyncError("RELOAD_REFUSED", `${program} does not start: ${last.state} ${last.spawnError}`.trim());
}

/** Waits for what supervisord does on its own time. */
export async function poll(signal: AbortSignal, what: string, done: () => Promise<boolean>): Promise<void> {
  try {
    while (!(await done())) await sleep(50, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? interrupted(what, signal) : error;
  }
}

export async function infoOf(call: Call, program: string, signal: AbortSignal): Promise<ProcessInfo> {
  return readInfo(await send(call, "getProcessInfo", [program], signal));
}

export async function processesOf(call: Call, group: string, signal: AbortSignal): Promise<ProcessInfo[]> {
  return (await allProcesses(call, signal)).filter((process) => process.group === group);
}

export async function allProcesses(call: Call, signal: AbortSignal): Promise<ProcessInfo[]> {
  return ((await send(call, "getAllProcessInfo", [], signal)) as unknown[]).map(readInfo);
}

export function isStopped({ state }: ProcessInfo): boolean {
  return ["STOPPED", "EXITED", "FATAL", "UNKNOWN"].includes(state);
}

/** A call whose faults are refusals, but for those that say that things are already as wanted. */
export async function send(
  call: Call,
  method: string,
  parameters: readonly Parameter[],
  signal: AbortSignal,
  fine: readonly number[] = [],
): Promise<unknown> {
  try {
    return await call(method, parameters, signal);
  } catch (error) {
    if (fine.includes(faultOf(error)?.code ?? 0)) return undefined;
    throw refused(error, String(parameters[0] ?? "the call"));
  }
}

function readInfo(answer: unknown): ProcessInfo {
  const { name, group, statename, pid, start, spawnerr } = answer as Record<string, string | number>;
  return {
    name: String(name),
    group: String(group),
    state: String(statename),
    pid: Number(pid),
    startedAt: Number(start) * 1000,
    spawnError: String(spawnerr ?? ""),
  };
}
