import { z } from "zod";
import { duration } from "../config/schema.ts";
import { ConfigSyncError } from "../errors.ts";
import type { ActionContext } from "../platform/context.ts";
import { deadline } from "../platform/deadline.ts";
import { redacted } from "../platform/redacted.ts";
import type { ProcessInfo } from "../platform/supervisord.ts";
import { groupOf } from "../platform/thing.ts";
import { askFirst, questionTime } from "./ask-first.ts";
import type { Incarnation, Reload } from "./reload.ts";

const common = {
  /** `group:program`; for a lone program, and for an update of a whole group, the one name. */
  program: z.string().min(1, "is empty"),
  timeout: duration.prefault("60s"),
};

const schema = z.discriminatedUnion(
  "action",
  [
    z.strictObject({ ...common, action: z.literal("restart") }),
    z.strictObject({
      ...common,
      action: z.literal("signal"),
      signal: z.string().regex(/^(SIG)?[A-Z0-9]+$/, "is not a signal such as HUP"),
    }),
    z.strictObject({ ...common, action: z.literal("update") }),
  ],
  { error: (issue) => (issue.code === "invalid_union" ? "is restart, signal or update" : undefined) },
);

type Spec = z.output<typeof schema>;

/**
 * Restarts a program, signals it, or updates its group. A restart keeps the command and environment that supervisord read
 * when it last looked at its files; where those changed, it takes an update.
 */
export const supervisord: Reload<Spec> = {
  kind: "supervisord",
  schema,
  describe: (spec) => {
    if (spec.action === "signal") return `send ${spec.signal} to program ${spec.program}`;
    return `${spec.action} program ${spec.program}`;
  },
  run: (spec, context) => redacted(context.redact, () => carryOut(spec, context)),
  isRunning: async (spec, context) => (await processesOf(spec, context)).some(({ state }) => upStates.has(state)),
  stop: ({ program, timeout }, { supervisord, signal, redact }) =>
    redacted(redact, async () => (await supervisord()).stop(program, deadline(signal, timeout))),
  start: ({ program, timeout }, { supervisord, signal, redact }) =>
    redacted(redact, async () => (await supervisord()).start(program, deadline(signal, timeout))),
  incarnation: async (spec, context) => incarnationOf(await processesOf(spec, context)),
  thing: ({ program }) => ({ kind: "program", name: program }),
};

async function carryOut(spec: Spec, context: ActionContext): Promise<void> {
  const supervisord = await context.supervisord();
  await askFirst(context.signal, supervisord.version);
  const signal = deadline(context.signal, spec.timeout);
  if (spec.action === "signal") return supervisord.signalProcess(spec.program, spec.signal, signal);
  if (spec.action === "update") return supervisord.update(groupOf(spec.program), signal);
  return supervisord.restart(spec.program, signal);
}

/** Running, or supervisord is at it. */
const upStates: ReadonlySet<string> = new Set(["STARTING", "RUNNING", "BACKOFF"]);

function processesOf(spec: Spec, { supervisord, signal, redact }: ActionContext): Promise<ProcessInfo[]> {
  return redacted(redact, async () => {
    const all = await (await supervisord()).all(deadline(signal, questionTime));
    const meant = all.filter((process) => isMeant(spec, process));
    if (meant.length === 0) throw new ConfigSyncError("UNREACHABLE", `supervisord knows no program "${spec.program}"`);
    return meant;
  });
}

/** An update is of the whole group. */
function isMeant({ program, action }: Spec, { name, group }: ProcessInfo): boolean {
  if (action === "update") return group === groupOf(program);
  return program === `${group}:${name}` || (program === name && group === name);
}

/** Of a group, the run of all its processes that run. */
function incarnationOf(processes: readonly ProcessInfo[]): Incarnation | undefined {
  const running = processes.filter(({ state }) => state === "RUNNING" || state === "STARTING");
  if (running.length === 0) return undefined;
  return {
    id: running.map(({ name, pid, startedAt }) => `${name} ${pid}@${startedAt}`).join(", "),
    startedAt: Math.min(...running.map(({ startedAt }) => startedAt)),
  };
}
