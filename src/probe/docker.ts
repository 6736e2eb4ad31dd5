import { z } from "zod";
import { deadline } from "../platform/deadline.ts";
import { isOutOfReach } from "../platform/docker-errors.ts";
import type { ContainerState } from "../platform/docker-state.ts";
import { answerOf } from "./answer.ts";
import type { Health, Probe } from "./probe.ts";

const schema = z.strictObject({ container: z.string().min(1, "is empty") });

const timeout = 5000;

/** The container's own health check where it has one; otherwise that it runs. */
export const docker: Probe<z.output<typeof schema>> = {
  kind: "docker",
  schema,
  describe: ({ container }) => `container ${container} is healthy`,
  thing: ({ container }) => ({ kind: "container", name: container }),
  check: ({ container }, { docker, signal, redact }) =>
    answerOf(
      redact,
      async () => {
        const state = await (await docker()).inspect(container, deadline(signal, timeout));
        return judge(container, state);
      },
      isOutOfReach,
    ),
};

/** A container that is restarted again and again is "running" for Docker in between: the status tells. */
function judge(container: string, { running, status, exitCode, health, healthOutput }: ContainerState): Health {
  const runs = running && status === "running";
  if (!runs) {
    const ended = ["exited", "restarting", "dead"].includes(status) ? ` (exit code ${exitCode})` : "";
    return { healthy: false, detail: `container ${container} is ${status}${ended}` };
  }
  if (health === undefined) return { healthy: true, detail: `container ${container} is ${status}` };
  const said = health === "unhealthy" && healthOutput.trim() !== "" ? `: ${healthOutput.trim().slice(0, 500)}` : "";
  return {
    healthy: health === "healthy",
    detail: `container ${container} is running, its health check says ${health}${said}`,
  };
}
