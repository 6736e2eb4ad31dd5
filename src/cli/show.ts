import type { RevisionInfo } from "../history/history.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const show: Command = {
  name: "show",
  argument: "<revision>",
  summary: "print a revision: who, when, why, and its values",
  help: `
Secrets are masked. With --reveal they are printed, and the documents byte for
byte as they were, comments included.

Examples:
  config-sync show 12
  config-sync show 12 --json

Exit codes: 0 printed, 1 there is no such revision.`,
  options: [{ flags: "--reveal", description: "print secrets, and the documents as they were" }],
  run: runShow,
};

interface Shown extends RevisionInfo {
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly documents?: readonly { readonly name: string; readonly text: string }[];
}

async function runShow(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const { readNumber } = await import("./read-revision.ts");
  const number = readNumber(call.argument ?? "", "a revision");
  const query = { reveal: call.options.reveal === true ? "true" : undefined };
  const shown = await askApi<Shown>(call, { method: "GET", path: `/settings/history/${number}`, query });
  if (call.json) call.print(JSON.stringify(shown, null, 2));
  else await printRevision(shown, call);
  return exitCodes.ok;
}

async function printRevision(shown: Shown, { print, style }: Call): Promise<void> {
  const { inertText } = await import("./terminal.ts");
  const { number, author, at, message, settings, documents } = shown;
  print(`${style("yellow", `revision ${number}`)} by ${author}, ${new Date(at).toISOString()}`);
  print(`\n    ${inertText(message).replaceAll("\n", "\n    ")}\n`);
  if (documents !== undefined) {
    for (const { name, text } of documents) print(`${style("bold", `--- ${name} ---`)}\n${text}`);
    return;
  }
  for (const [section, keys] of Object.entries(settings)) {
    print(style("bold", `[${section}]`));
    for (const [key, value] of Object.entries(keys)) print(`${key} ${style("gray", "=")} ${value}`);
    print("");
  }
}
