import { once } from "node:events";
import { connect } from "node:net";
import { z } from "zod";
import { duration, port } from "../config/schema.ts";
import { systemCode } from "../errors.ts";
import { deadline } from "../platform/deadline.ts";
import type { Probe } from "./probe.ts";

const schema = z.strictObject({
  host: z.string().min(1, "is empty"),
  port,
  timeout: duration.prefault("2s"),
});

/** Whether someone listens. It says nothing about what they run on: prefer a probe that asks the service itself. */
export const tcp: Probe<z.output<typeof schema>> = {
  kind: "tcp",
  schema,
  describe: ({ host, port }) => `${host}:${port} accepts connections`,
  check: async ({ host, port, timeout }, { signal, redact }) => {
    const socket = connect({ host, port });
    const shown = redact(`${host}:${port}`);
    try {
      await once(socket, "connect", { signal: deadline(signal, timeout) });
      return { healthy: true, detail: `${shown} accepts connections` };
    } catch (error) {
      const code = systemCode(error);
      const reason = code === "ABORT_ERR" ? "no answer in time" : code === "ECONNREFUSED" ? "nobody listens" : code;
      return { healthy: false, detail: `${shown}: ${reason ?? "no connection"}` };
    } finally {
      socket.on("error", () => {}).destroy();
    }
  },
};
