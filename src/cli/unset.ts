import type { Call, Command } from "./command.ts";

export const unset: Command = {
  name: "unset",
  argument: "<names...>",
  summary: "remove keys, or whole sections: SECTION.KEY or SECTION",
  help: `
Several at once are one revision. What a service cannot do without is refused,
and nothing is changed then.

Examples:
  config-sync unset gitea.extra
  config-sync unset old_section -m "no longer in use"

Exit codes: 0 removed, 1 refused or not there; with --wait 1 too when a service
did not become healthy.`,
  options: [
    { flags: "-m, --message <text>", description: "why, for the history" },
    { flags: "--wait", description: "wait until the services are healthy on it" },
  ],
  run: async (call: Call) => {
    const { changeSettings } = await import("./change-settings.ts");
    const { readPath } = await import("./read-path.ts");
    return changeSettings(
      call,
      call.arguments.map((name) => ({ path: readPath(name) })),
    );
  },
};
