import { ConfigSyncError } from "../errors.ts";
import { refuseOwn } from "./own-process.ts";
import type { ProcessInfo } from "./supervisord.ts";
import { isStopped, poll, processesOf, send, startProgram } from "./supervisord-process.ts";
import { type Call, faults } from "./supervisord-rpc.ts";

/**
 * Lets one group run on its definition as it is in the files now. `reloadConfig` reads them and says what differs from
 * what runs; it changes nothing itself, so the differences of other groups stay as they are. A file that cannot be read
 * is refused there, and everything goes on.
 *
 * What is new or changed is started where it starts by itself or ran before. A program that gave up (FATAL) is tried again.
 */
export async function updateGroup(call: Call, group: string, signal: AbortSignal): Promise<void> {
  const before = await processesOf(call, group, signal);
  await refuseOwn(call, before, "update", signal);
  const differences = (await send(call, "reloadConfig", [], signal)) as [[string[], string[], string[]]];
  const [added, changed, removed] = differences[0].map((groups) => groups.includes(group));
  if (before.length === 0 && !added) {
    throw new ConfigSyncError("UNREACHABLE", `supervisord knows no group "${group}", nor do its files`);
  }
  if (changed || removed) await removeGroup(call, group, signal);
  if (changed || added) await send(call, "addProcessGroup", [group], signal, [faults.alreadyAdded]);
  if (removed) return;
  const wanted =
    changed || added
      ? await startable(call, group, before, signal)
      : before.filter(({ state }) => state === "FATAL").map(({ name }) => name);
  await Promise.all(wanted.map((name) => startProgram(call, `${group}:${name}`, signal)));
}

async function removeGroup(call: Call, group: string, signal: AbortSignal): Promise<void> {
  await send(call, "stopProcessGroup", [group, false], signal);
  await poll(signal, `${group} did not stop`, async () => (await processesOf(call, group, signal)).every(isStopped));
  await poll(signal, `${group} did not stop`, async () => {
    const removed = await send(call, "removeProcessGroup", [group], signal, [faults.stillRunning]);
    return removed !== undefined;
  });
}

async function startable(
  call: Call,
  group: string,
  before: readonly ProcessInfo[],
  signal: AbortSignal,
): Promise<string[]> {
  const ran = new Set(before.filter((process) => !isStopped(process)).map(({ name }) => name));
  const all = (await send(call, "getAllConfigInfo", [], signal)) as Record<string, unknown>[];
  return all
    .filter((program) => program.group === group && (program.autostart === true || ran.has(String(program.name))))
    .toSorted((a, b) => Number(a.process_prio) - Number(b.process_prio))
    .map((program) => String(program.name));
}
