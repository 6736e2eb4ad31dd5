import type { Command } from "./command.ts";

export const retry: Command = {
  name: "retry",
  argument: "<service>",
  summary: "try now what failed for a service: quarantined, or waiting for later",
  help: `
A change that made a service fail is held back until something else is wanted,
and what cannot be reached is tried again after a pause. When the reason is
mended, this tries it now. Only what is not done yet is done: a service that
is healthy stays untouched ("reload" reloads it in any case).

Examples:
  config-sync retry gitea
  config-sync retry gitea --json  one event a line, then the status

Exit codes: 0 the service is healthy, 1 it failed again.`,
  run: async (call) => {
    const { followWork } = await import("./follow.ts");
    const service = call.argument ?? "";
    return followWork(call, { path: `/services/${encodeURIComponent(service)}/retry`, service });
  },
};
