import type Dockerode from "dockerode";

export interface ContainerState {
  readonly id: string;
  /** Docker says so of paused containers too, and of those that it is about to restart: `status` tells. */
  readonly running: boolean;
  /** Docker's word: created, running, paused, restarting, removing, exited, dead. */
  readonly status: string;
  /** Of the last run; 0 while there was none, and while it runs. */
  readonly exitCode: number;
  /** When it was last started, as Docker writes it, to the nanosecond. */
  readonly startedAt: string;
  /** Docker starts it again when it ends. */
  readonly restarts: boolean;
  /** Its processes have numbers of their own: 1 is its main process. */
  readonly ownPids: boolean;
  /** starting, healthy, unhealthy; undefined where the container has no healthcheck. */
  readonly health: string | undefined;
  /** What its healthcheck said last: foreign text. */
  readonly healthOutput: string;
}

export function readContainer({ Id, State, HostConfig }: Dockerode.ContainerInspectInfo): ContainerState {
  const health = State.Health?.Status;
  const policy = HostConfig?.RestartPolicy?.Name ?? "";
  return {
    id: Id,
    running: State.Running,
    status: State.Status,
    exitCode: State.ExitCode,
    startedAt: State.StartedAt,
    restarts: policy !== "" && policy !== "no",
    ownPids: !HostConfig?.PidMode,
    health: health === "none" ? undefined : health,
    healthOutput: State.Health?.Log?.at(-1)?.Output ?? "",
  };
}
