import type { RevisionInfo } from "../history/history.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const history: Command = {
  name: "history",
  summary: "list the revisions of the configuration, newest first",
  help: `
Every accepted state of config.ini and system.ini is a revision, whoever made
it: a command, the API, a rollback, or somebody with an editor ("file").

The revisions are a plain git repository in the state folder, too:
  git -C workspace/state/history log -p

Examples:
  config-sync history
  config-sync history --limit 5 --before 40
  config-sync history --json | jq -r '.revisions[0].author'

Exit codes: 0 printed, 1 the history cannot be read.`,
  options: [
    { flags: "--limit <number>", description: "how many at most", fallback: "20" },
    { flags: "--before <revision>", description: "only those before this one" },
  ],
  run: runHistory,
};

async function runHistory(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const { formatTable, formatTime } = await import("./terminal.ts");
  const { readNumber } = await import("./read-revision.ts");
  const limit = String(readNumber(String(call.options.limit), "--limit"));
  const before =
    call.options.before === undefined ? undefined : `${readNumber(String(call.options.before), "--before")}`;
  const request = { method: "GET", path: "/settings/history", query: { limit, before } } as const;
  const found = await askApi<{ revisions: readonly RevisionInfo[] }>(call, request);
  if (call.json) call.print(JSON.stringify(found, null, 2));
  else if (found.revisions.length === 0) call.print("there is no revision yet");
  else {
    const rows = found.revisions.map(({ number, author, at, message }) => {
      const [first = ""] = message.split("\n");
      return [{ text: String(number), style: "bold" } as const, formatTime(at, Date.now()), author, first];
    });
    call.print(formatTable(["REVISION", "WHEN", "AUTHOR", "WHY"], rows, call.style));
  }
  return exitCodes.ok;
}
