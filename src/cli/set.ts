import type { Call, Command } from "./command.ts";

export const set: Command = {
  name: "set",
  argument: "<assignments...>",
  summary: "change values: SECTION.KEY=VALUE, several at once are one revision",
  help: `
Every other byte of the file stays. Whatever would keep a service from being
rendered is refused, and nothing is changed then. A daemon applies the change
at once; without one it is applied when the daemon starts.

What stands on a command line can be seen by other users of this machine: give
a password with --stdin, which reads the value of the one key that is named.

Examples:
  config-sync set gitea.http_port=3001 proxy.listen=8080 -m "ports moved"
  config-sync set gitea.user_pwd --stdin < password.txt
  config-sync set gitea.http_port=3001 --wait

Exit codes: 0 changed, or nothing to change, 1 refused; with --wait 1 too when
a service did not become healthy.`,
  options: [
    { flags: "--stdin", description: "read the value of the one key from standard input" },
    { flags: "-m, --message <text>", description: "why, for the history" },
    { flags: "--wait", description: "wait until the services are healthy on it" },
  ],
  run: runSet,
};

async function runSet(call: Call): Promise<number> {
  const { changeSettings } = await import("./change-settings.ts");
  const edits = call.options.stdin === true ? [await readGiven(call)] : await Promise.all(call.arguments.map(readEdit));
  return changeSettings(call, edits);
}

async function readEdit(assignment: string, index: number) {
  const { ConfigSyncError } = await import("../errors.ts");
  const at = assignment.indexOf("=");
  const hint = "Write SECTION.KEY=VALUE, or SECTION.KEY alone with --stdin";
  // Not the word itself: behind `password= …` it is the password.
  if (at < 0) throw new ConfigSyncError("USAGE", `assignment ${index + 1} has no value`, { hint });
  return { path: await keyPath(assignment.slice(0, at)), value: assignment.slice(at + 1) };
}

async function readGiven({ arguments: names }: Call) {
  const { ConfigSyncError } = await import("../errors.ts");
  const { largestValue, readStdin } = await import("./read-stdin.ts");
  const [name, ...others] = names;
  if (name === undefined || others.length > 0 || name.includes("="))
    throw new ConfigSyncError("USAGE", "--stdin wants one key and no value beside it");
  return { path: await keyPath(name), value: await readStdin("value", largestValue) };
}

async function keyPath(written: string) {
  const { readPath } = await import("./read-path.ts");
  const { ConfigSyncError } = await import("../errors.ts");
  const path = readPath(written);
  if (path.length === 2) return path;
  throw new ConfigSyncError("USAGE", `"${written}" is a section, and only a key can be set`);
}
