import { z } from "zod";
import { argv, duration } from "../config/schema.ts";
import { ConfigSyncError } from "../errors.ts";
import type { ActionContext } from "../platform/context.ts";
import { deadline } from "../platform/deadline.ts";
import type { Docker } from "../platform/docker.ts";
import { isForbidden } from "../platform/docker-errors.ts";
import { signalContainer } from "../platform/docker-signal.ts";
import type { ContainerState } from "../platform/docker-state.ts";
import { redacted } from "../platform/redacted.ts";
import { askFirst, questionTime } from "./ask-first.ts";
import type { Reload } from "./reload.ts";

const common = {
  container: z.string().min(1, "is empty"),
  /** What the container gets between SIGTERM and SIGKILL, what a command gets to end. */
  timeout: duration.prefault("10s"),
};

const schema = z.discriminatedUnion(
  "action",
  [
    z.strictObject({ ...common, action: z.literal("restart") }),
    z.strictObject({
      ...common,
      action: z.literal("signal"),
      signal: z.string().regex(/^(SIG)?[A-Z0-9+-]+$/, "is not a signal such as HUP"),
    }),
    z.strictObject({
      ...common,
      action: z.literal("exec"),
      command: argv,
      user: z.string().min(1).optional(),
      workdir: z.string().min(1).optional(),
    }),
  ],
  { error: (issue) => (issue.code === "invalid_union" ? "is restart, signal or exec" : undefined) },
);

type Spec = z.output<typeof schema>;

/** The daemon itself needs time too, on a busy host. */
const daemonTime = 30_000;

/**
 * Restarts a container, sends it a signal, or runs a command inside it. A restart starts a stopped container, and keeps
 * the environment that the container was created with. A command that is given up may go on inside the container.
 *
 * A paused container is left alone: somebody copies its files. So is one that does not run where only a running one can be told.
 * Both are UNREACHABLE, that is waited for.
 */
export const docker: Reload<Spec> = {
  kind: "docker",
  schema,
  describe: (spec) => {
    if (spec.action === "signal") return `send ${spec.signal} to container ${spec.container}`;
    if (spec.action === "exec") return `run ${spec.command.join(" ")} in container ${spec.container}`;
    return `restart container ${spec.container}`;
  },
  run: (spec, context) => redacted(context.redact, () => carryOut(spec, context)),
  isRunning: async (spec, context) => (await inspect(spec, context)).running,
  stop: ({ container, timeout }, { docker, signal, redact }) =>
    redacted(redact, async () => (await docker()).stop(container, seconds(timeout), limit(signal, timeout))),
  start: ({ container, timeout }, { docker, signal, redact }) =>
    redacted(redact, async () => (await docker()).start(container, limit(signal, timeout))),
  incarnation: async (spec, context) => {
    const { id, startedAt, running, status } = await inspect(spec, context);
    if (!running || status === "restarting") return undefined;
    return { id: `${id}@${startedAt}`, startedAt: Date.parse(startedAt) };
  },
  thing: ({ container }) => ({ kind: "container", name: container }),
};

function inspect({ container }: Spec, { docker, signal, redact }: ActionContext): Promise<ContainerState> {
  return redacted(redact, async () => (await docker()).inspect(container, deadline(signal, questionTime)));
}

async function carryOut(spec: Spec, context: ActionContext): Promise<void> {
  const docker = await context.docker();
  const { container, timeout } = spec;
  const state = await askFirst(context.signal, (soon) => inspectIfAllowed(docker, container, soon));
  if (state !== undefined) requireReady(spec, state);
  const signal = limit(context.signal, timeout);
  if (spec.action === "restart") return docker.restart(container, seconds(timeout), signal);
  if (spec.action === "signal") return signalContainer(docker, { name: container, state }, spec.signal, signal);
  const { command, user, workdir } = spec;
  const { exitCode, output } = await docker.exec(container, command, signal, { user, workdir, redact: context.redact });
  if (exitCode === 0) return;
  const said = output.trim() === "" ? "" : `: ${output.trim()}`;
  const message = `${command[0]} in container ${container} ended with exit code ${exitCode}${said}`;
  throw new ConfigSyncError("RELOAD_REFUSED", message);
}

/** A socket proxy may let us restart a container and not look at it. */
async function inspectIfAllowed(docker: Docker, container: string, signal: AbortSignal) {
  try {
    return await docker.inspect(container, signal);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/**
 * Docker would wake a paused container for a restart or a signal, and take a container for stopped on purpose, for good, when a
 * signal comes between two tries of its restart policy.
 */
function requireReady({ container, action }: Spec, { status }: ContainerState): void {
  const fit = action === "restart" ? !["paused", "removing", "dead"].includes(status) : status === "running";
  if (fit) return;
  throw new ConfigSyncError("UNREACHABLE", `container ${container} is ${status}`, {
    hint: hints[status] ?? untilItRuns,
  });
}

const untilItRuns = "It is told when it runs";
const hints: Readonly<Record<string, string>> = {
  paused: "It is told when it is unpaused",
  restarting: "It ends again and again, and Docker starts it again: docker logs may say why",
};

function limit(signal: AbortSignal, timeout: number): AbortSignal {
  return deadline(signal, timeout + daemonTime);
}

/** The engine takes whole seconds. */
function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}
