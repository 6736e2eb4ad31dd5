import { z } from "zod";
import { deadline } from "../platform/deadline.ts";
import { isOutOfReach } from "../platform/supervisord-rpc.ts";
import { answerOf } from "./answer.ts";
import type { Probe } from "./probe.ts";

const schema = z.strictObject({
  /** `group:program`, or the name of a lone program. */
  program: z.string().min(1, "is empty"),
});

const timeout = 5000;

/** RUNNING, which supervisord says once a program has been up for its `startsecs`. */
export const supervisord: Probe<z.output<typeof schema>> = {
  kind: "supervisord",
  schema,
  describe: ({ program }) => `program ${program} is RUNNING`,
  thing: ({ program }) => ({ kind: "program", name: program }),
  check: ({ program }, { supervisord, signal, redact }) =>
    answerOf(
      redact,
      async () => {
        const { state, spawnError } = await (await supervisord()).info(program, deadline(signal, timeout));
        const reason = state === "RUNNING" || spawnError === "" ? "" : `: ${spawnError}`;
        return { healthy: state === "RUNNING", detail: `program ${program} is ${state}${reason}` };
      },
      isOutOfReach,
    ),
};
