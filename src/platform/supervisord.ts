import { refuseOwn } from "./own-process.ts";
import { allProcesses, infoOf, send, signalProgram, startProgram, stopProgram } from "./supervisord-process.ts";
import { createCall, type SupervisordOptions } from "./supervisord-rpc.ts";
import { updateGroup } from "./supervisord-update.ts";

export interface ProcessInfo {
  readonly name: string;
  readonly group: string;
  /** STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN. */
  readonly state: string;
  readonly pid: number;
  /** Milliseconds since the epoch, in whole seconds: the start was in the second that began then. */
  readonly startedAt: number;
  /** supervisord's own sentence about a failed start, or "". */
  readonly spawnError: string;
}

/** The part of supervisord's XML-RPC API that we use. Every call ends by its signal. */
export interface Supervisord {
  readonly info: (program: string, signal: AbortSignal) => Promise<ProcessInfo>;
  readonly all: (signal: AbortSignal) => Promise<readonly ProcessInfo[]>;
  readonly start: (program: string, signal: AbortSignal) => Promise<void>;
  /** Stop, wait until it stopped, start, wait until it runs or failed. */
  readonly restart: (program: string, signal: AbortSignal) => Promise<void>;
  readonly stop: (program: string, signal: AbortSignal) => Promise<void>;
  /** A program that does not run is UNREACHABLE. One that supervisord gave up (FATAL) is started, which loads as much. */
  readonly signalProcess: (program: string, signalName: string, signal: AbortSignal) => Promise<void>;
  /** What `supervisorctl update GROUP` does: re-read the files; stop, remove and add the group if its definition changed. */
  readonly update: (group: string, signal: AbortSignal) => Promise<void>;
  readonly version: (signal: AbortSignal) => Promise<string>;
}

/**
 * A connection to supervisord. Programs are named `group:program`, lone ones by their name. Nothing is sent before the first call.
 *
 * Errors: no supervisord, a refused password, no such program: UNREACHABLE. A fault, or a program that does not come up:
 * RELOAD_REFUSED with supervisord's own words, which are foreign text and to be redacted by the caller. Ended by the signal:
 * TIMED_OUT. What would stop, restart or signal the program that we ourselves run as is refused.
 *
 * `supervisor.restart` is never called: with a broken file it ends supervisord for good.
 */
export async function createSupervisord(options: SupervisordOptions): Promise<Supervisord> {
  const call = createCall(options);
  const foreign = async (program: string, verb: string, signal: AbortSignal) =>
    refuseOwn(call, [await infoOf(call, program, signal)], verb, signal);
  return {
    version: async (signal) => String(await send(call, "getSupervisorVersion", [], signal)),
    info: (program, signal) => infoOf(call, program, signal),
    all: (signal) => allProcesses(call, signal),
    start: (program, signal) => startProgram(call, program, signal),
    restart: async (program, signal) => {
      await foreign(program, "restart", signal);
      await stopProgram(call, program, signal);
      await startProgram(call, program, signal);
    },
    stop: async (program, signal) => {
      await foreign(program, "stop", signal);
      await stopProgram(call, program, signal);
    },
    signalProcess: async (program, signalName, signal) => {
      await foreign(program, "signal", signal);
      await signalProgram(call, program, signalName, signal);
    },
    update: (group, signal) => updateGroup(call, group, signal),
  };
}
