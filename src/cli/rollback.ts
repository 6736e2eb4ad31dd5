import type { Call, Command } from "./command.ts";

export const rollback: Command = {
  name: "rollback",
  argument: "<revision>",
  summary: "bring a revision back, whole or one section of it: as a new revision",
  help: `
config.ini comes back byte for byte, comments included. With --section only the
keys of that section come back, and everything else stays as it is today.
system.ini is never written.

Examples:
  config-sync rollback 11
  config-sync rollback 11 --section gitea --wait

Exit codes: 0 brought back, or already there, 1 refused; with --wait 1 too when
a service did not become healthy.`,
  options: [
    { flags: "--section <name>", description: "only this section" },
    { flags: "-m, --message <text>", description: "why, for the history" },
    { flags: "--wait", description: "wait until the services are healthy on it" },
  ],
  run: async (call: Call) => {
    const { rollBack } = await import("./change-settings.ts");
    const { readNumber } = await import("./read-revision.ts");
    const { section } = call.options;
    return rollBack(
      call,
      readNumber(call.argument ?? "", "a revision"),
      typeof section === "string" ? section : undefined,
    );
  },
};
