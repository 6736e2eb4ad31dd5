import type { Command } from "./command.ts";

export const apply: Command = {
  name: "apply",
  summary: "bring every service onto the present configuration, now",
  help: `
With a daemon on the workspace, the daemon does it and this command shows its
progress; without one the command does it itself. What has to be tried again
later (a container that is not there) does not hold the command up; it is
reported.

Examples:
  config-sync apply
  config-sync apply --json        one event a line, then the status

Exit codes: 0 every service is healthy, 1 at least one is not.`,
  run: async (call) => {
    const { followWork } = await import("./follow.ts");
    return followWork(call, { path: "/apply" });
  },
};
