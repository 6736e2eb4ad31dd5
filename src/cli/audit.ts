import type { Entry } from "../audit/entry.ts";
import { ConfigSyncError } from "../errors.ts";
import { type Call, type Command, type CommandGroup, exitCodes } from "./command.ts";

const list: Command = {
  name: "list",
  summary: "show who did what, newest first",
  help: `
Examples:
  config-sync audit list --from 2h
  config-sync audit list --actor ann --path gitea.user_pwd
  config-sync audit list --json | jq '.entries[] | select(.what == "reveal")'

Exit codes: 0 shown, 1 the log cannot be read.`,
  options: [
    { flags: "--from <when>", description: "2026-11-21, 2026-11-21T08:30 (UTC) or 2h (ago)" },
    { flags: "--to <when>", description: "likewise" },
    { flags: "--actor <name>", description: "what this key, user or author did" },
    { flags: "--path <path>", description: "what was done to this key or section" },
    { flags: "--limit <number>", description: "how many at most", fallback: "50" },
  ],
  run: listAudit,
};

const verify: Command = {
  name: "verify",
  summary: "prove that nothing on record was changed since",
  help: `
Looks at every byte of the log. Prints how far it goes: keep that elsewhere,
and --expect proves later that nothing before it was made anew.

Examples:
  config-sync audit verify
  config-sync audit verify --expect "$(cat /safe/place/head)"

Exit codes: 0 nothing is wrong, 1 something is, or it cannot be read.`,
  options: [{ flags: "--expect <head>", description: "an entry that it must still hold, as it was told then" }],
  run: runVerify,
};

export const audit: CommandGroup = {
  name: "audit",
  summary: "who did what, and the proof that it was not changed since",
  help: `
Examples:
  config-sync audit list --from 2h
  config-sync audit verify

Exit codes: 0 shown, or nothing is wrong, 1 something is wrong.`,
  commands: [list, verify],
};

async function listAudit(call: Call): Promise<number> {
  const { listEntries, parseMoment } = await import("../audit/query.ts");
  const { formatTable, formatTime } = await import("./terminal.ts");
  const { readNumber } = await import("./read-revision.ts");
  const now = Date.now();
  const text = (name: string): string | undefined => {
    const given = call.options[name];
    return typeof given === "string" ? given : undefined;
  };
  const moment = (name: string): number | undefined => {
    const given = text(name);
    return given === undefined ? undefined : parseMoment(given, now, `--${name}`);
  };
  const entries = listEntries(await folderOf(call), {
    from: moment("from"),
    to: moment("to"),
    actor: text("actor"),
    path: text("path"),
    limit: readNumber(text("limit") ?? "", "--limit"),
  });
  if (call.json) call.print(JSON.stringify({ entries }, null, 2));
  else if (entries.length === 0) call.print("there is no such entry");
  else {
    const rows = entries.map((entry) => {
      const { seq, at, who, from, what, outcome, code } = entry;
      const end = outcome === "done" ? outcome : ({ text: `${outcome}: ${code}`, style: "red" } as const);
      return [`${seq}`, formatTime(at, now), who.name, from, what, end, describeObject(entry)];
    });
    call.print(formatTable(["ENTRY", "WHEN", "WHO", "FROM", "WHAT", "OUTCOME", "ON"], rows, call.style));
  }
  return exitCodes.ok;
}

const mostShown = 3;

function describeObject({ target, keys = [], moreKeys = 0, revision, why }: Entry): string {
  const rest = keys.length + moreKeys - mostShown;
  const named = `${keys.slice(0, mostShown).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  const [reason = ""] = (why ?? "").split("\n");
  const parts = [revision === undefined ? "" : `revision ${revision}`, target ?? "", named, reason];
  return parts.filter((part) => part !== "").join(" · ");
}

async function runVerify(call: Call): Promise<number> {
  const { formatLink, parseLink } = await import("../audit/entry.ts");
  const { verifyAudit } = await import("../audit/verify.ts");
  const given = call.options.expect;
  const expected = typeof given === "string" ? parseLink(given.trim()) : undefined;
  if (given !== undefined && expected === undefined)
    throw new ConfigSyncError("USAGE", "--expect is no head of an audit log", {
      hint: "Write it as verify printed it",
    });
  const { entries, head, faults } = await verifyAudit(await folderOf(call), expected);
  const shown = head === undefined ? null : formatLink(head);
  if (call.json) call.print(JSON.stringify({ entries, head: shown, faults }, null, 2));
  else {
    for (const { file, line, text } of faults)
      call.print(`${call.style("red", line === undefined ? file : `${file}:${line}`)} ${text}`);
    const verdict =
      faults.length === 0
        ? call.style("green", "nothing is wrong")
        : `${faults.length} ${faults.length === 1 ? "thing is" : "things are"} wrong`;
    call.print(`${entries} entries, ${verdict}${shown === null ? "" : `; it goes up to\n${shown}`}`);
  }
  return faults.length === 0 ? exitCodes.ok : exitCodes.error;
}

async function folderOf({ workspace }: Call): Promise<string> {
  const { auditFolder } = await import("../audit/files.ts");
  const { loadSettings } = await import("../settings.ts");
  return auditFolder(loadSettings(workspace).state);
}
