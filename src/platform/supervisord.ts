export interface ProcessInfo {
  readonly name: string;
  readonly group: string;
  /** STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN. */
  readonly state: string;
  readonly pid: number;
  /** supervisord's own sentence about a failed start, or "". */
  readonly spawnError: string;
}

/** The part of supervisord's XML-RPC API that we use. Every call ends by its signal. */
export interface Supervisord {
  readonly info: (program: string, signal: AbortSignal) => Promise<ProcessInfo>;
  /** Stop, wait until it stopped, start, wait until it runs or failed. */
  readonly restart: (program: string, signal: AbortSignal) => Promise<void>;
  readonly stop: (program: string, signal: AbortSignal) => Promise<void>;
  readonly signalProcess: (program: string, signalName: string, signal: AbortSignal) => Promise<void>;
  /** What `supervisorctl update GROUP` does: re-read the files; stop, remove and add the group if its definition changed. */
  readonly update: (group: string, signal: AbortSignal) => Promise<void>;
  readonly version: (signal: AbortSignal) => Promise<string>;
}
