import type { Command } from "./command.ts";

export const reload: Command = {
  name: "reload",
  argument: "<service>",
  summary: "make one service load its configuration again, changed or not",
  help: `
Writes what the service should have, reloads it by its most thorough rule, and
waits until it is healthy. To have tried again what failed before, "retry" is
enough, and reloads only where that is needed.

Examples:
  config-sync reload gitea

Exit codes: 0 the service is healthy, 1 it is not.`,
  run: async (call) => {
    const { followWork } = await import("./follow.ts");
    const service = call.argument ?? "";
    return followWork(call, { path: `/services/${encodeURIComponent(service)}/reload`, service });
  },
};
