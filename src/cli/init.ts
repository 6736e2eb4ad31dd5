import { resolve } from "node:path";
import { type Call, type Command, exitCodes } from "./command.ts";

export const init: Command = {
  name: "init",
  argument: "[folder]",
  summary: "make a workspace from a preset: config.ini, settings, templates",
  help: `
Presets:
  minimal    three small services in one folder, to play with: needs no server
  websoft9   Gitea, Portainer, Cockpit, the proxy, .env files

Files that are there already are never overwritten; a folder that has a
config-sync.yaml is refused. Only their owner and group can read the new
config.ini and system.ini, because they are for passwords.

Examples:
  config-sync init
  config-sync init /etc/config-sync --preset websoft9

Exit codes: 0 made, 1 not made.`,
  options: [{ flags: "--preset <name>", description: "minimal or websoft9", fallback: "minimal" }],
  run: runInit,
};

async function runInit(call: Call): Promise<number> {
  const { makeWorkspace } = await import("./preset.ts");
  const folder = call.argument === undefined ? call.workspace : resolve(call.argument);
  const made = await makeWorkspace(folder, String(call.options.preset));
  if (call.json) call.print(JSON.stringify({ folder, made }));
  else {
    call.print(`${call.style("green", "made")} ${folder}`);
    for (const file of made) call.print(`  ${file}`);
    call.print(`\nNext: config-sync start -w ${folder}`);
  }
  return exitCodes.ok;
}
