import { z } from "zod";
import { duration } from "../config/schema.ts";
import { deadline } from "../platform/deadline.ts";
import { redacted } from "../platform/redacted.ts";
import type { Reload } from "./reload.ts";

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

/**
 * Restarts a program, signals it, or updates its group. A restart keeps the command and environment that supervisord read
 * when it last looked at its files; where those changed, it takes an update.
 */
export const supervisord: Reload<z.output<typeof schema>> = {
  kind: "supervisord",
  schema,
  describe: (spec) => {
    if (spec.action === "signal") return `send ${spec.signal} to program ${spec.program}`;
    return `${spec.action} program ${spec.program}`;
  },
  run: (spec, context) =>
    redacted(context.redact, async () => {
      const supervisord = await context.supervisord();
      const signal = deadline(context.signal, spec.timeout);
      if (spec.action === "signal") return supervisord.signalProcess(spec.program, spec.signal, signal);
      if (spec.action === "update") return supervisord.update(groupOf(spec.program), signal);
      return supervisord.restart(spec.program, signal);
    }),
  isRunning: ({ program, timeout }, { supervisord, signal, redact }) =>
    redacted(redact, async () => {
      const { state } = await (await supervisord()).info(program, deadline(signal, timeout));
      return ["STARTING", "RUNNING", "BACKOFF"].includes(state);
    }),
  stop: ({ program, timeout }, { supervisord, signal, redact }) =>
    redacted(redact, async () => (await supervisord()).stop(program, deadline(signal, timeout))),
};

function groupOf(program: string): string {
  return program.split(":")[0] ?? program;
}
