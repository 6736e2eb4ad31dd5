import { keyCommands } from "./access-keys.ts";
import { userCommands } from "./access-users.ts";
import type { CommandGroup } from "./command.ts";

export const access: CommandGroup = {
  name: "access",
  summary: "say who may use the API: keys for programs, users for people",
  help: `
Works on the file in the state folder, so run it as the user that the daemon
runs as. A running daemon sees the change within a tenth of a second.

Roles, each with the rights of those before it:
  viewer    sees the configuration, without secrets
  operator  plans, applies, reloads, retries
  editor    changes the configuration
  admin     sees secrets; without --app and --section also keys and users

Examples:
  config-sync access key create ci --role editor --section gitea
  config-sync access user create ann --role admin

Exit codes: 0 done, 1 not done.`,
  commands: [keyCommands, userCommands],
};
