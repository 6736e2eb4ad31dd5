export interface ContainerState {
  readonly id: string;
  readonly running: boolean;
  /** Docker's word: created, running, paused, restarting, removing, exited, dead. */
  readonly status: string;
  /** starting, healthy, unhealthy; undefined where the container has no healthcheck. */
  readonly health: string | undefined;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and error in order of arrival, cut at 64 KiB. */
  readonly output: string;
}

/** The part of the Docker Engine API that we use. Every call ends by its signal. */
export interface Docker {
  readonly inspect: (container: string, signal: AbortSignal) => Promise<ContainerState>;
  /** `timeoutSeconds` is the time that the container gets between SIGTERM and SIGKILL. */
  readonly restart: (container: string, timeoutSeconds: number, signal: AbortSignal) => Promise<void>;
  readonly stop: (container: string, timeoutSeconds: number, signal: AbortSignal) => Promise<void>;
  readonly kill: (container: string, signalName: string, signal: AbortSignal) => Promise<void>;
  readonly exec: (
    container: string,
    argv: readonly string[],
    signal: AbortSignal,
    options?: ExecOptions,
  ) => Promise<ExecResult>;
  /** `{ apiVersion: "1.41" }`, the version that was agreed on. */
  readonly ping: (signal: AbortSignal) => Promise<{ readonly apiVersion: string }>;
}

export interface ExecOptions {
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
}
