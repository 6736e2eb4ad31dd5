import { type Call, type Command, exitCodes } from "./command.ts";

export const get: Command = {
  name: "get",
  argument: "[section.key]",
  summary: "print a value, a section, or everything",
  help: `
A value alone is printed as it is, for scripts. A segment that holds a dot
stands in brackets: [log.console].level. Secrets are masked without --reveal.

Examples:
  config-sync get gitea.http_port
  config-sync get gitea
  config-sync get --json

Exit codes: 0 found, 1 there is no such section or key.`,
  options: [{ flags: "--reveal", description: "print secrets as they are" }],
  run: runGet,
};

type Section = Readonly<Record<string, string>>;

async function runGet(call: Call): Promise<number> {
  const { askApi } = await import("./ask-api.ts");
  const { readPath } = await import("./read-path.ts");
  const [section, key] = call.argument === undefined ? [] : readPath(call.argument);
  const query = { reveal: call.options.reveal === true ? "true" : undefined };
  const ask = <T>(path: string): Promise<T> => askApi<T>(call, { method: "GET", path: `/settings${path}`, query });
  if (section === undefined) printSections(await ask<Readonly<Record<string, Section>>>(""), call);
  else if (key === undefined) printSection(await ask<Section>(`/${encodeURIComponent(section)}`), call);
  else {
    const found = await ask<{ value: string }>(`/${encodeURIComponent(section)}/${encodeURIComponent(key)}`);
    call.print(call.json ? JSON.stringify(found, null, 2) : found.value);
  }
  return exitCodes.ok;
}

function printSections(sections: Readonly<Record<string, Section>>, call: Call): void {
  if (call.json) call.print(JSON.stringify(sections, null, 2));
  for (const [name, keys] of call.json ? [] : Object.entries(sections)) {
    call.print(call.style("bold", `[${name}]`));
    printSection(keys, call);
    call.print("");
  }
}

function printSection(keys: Section, { json, print, style }: Call): void {
  if (json) print(JSON.stringify(keys, null, 2));
  for (const [key, value] of json ? [] : Object.entries(keys)) print(`${key} ${style("gray", "=")} ${value}`);
}
