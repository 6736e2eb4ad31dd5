import { type Call, type Command, exitCodes } from "./command.ts";

export const explain: Command = {
  name: "explain",
  argument: "<section.key>",
  summary: "show where a value comes from, which source won, and which files use it",
  help: `
A segment that holds a dot stands in brackets: [log.console].level. A section
alone lists its keys.

Examples:
  config-sync explain gitea.http_port
  config-sync explain gitea
  config-sync explain '[log.console].level'

Exit codes: 0 found, 1 there is no such key.`,
  run: runExplain,
};

interface Explanation {
  readonly key: string;
  readonly value: string | null;
  /** The winner first. */
  readonly candidates: readonly { readonly source: string; readonly place: string; readonly value: string }[];
  readonly usedBy: readonly { readonly service: string; readonly output: string }[];
  /** The services that cannot be rendered, so that nobody can say what they use. */
  readonly unknown: readonly string[];
}

async function runExplain(call: Call): Promise<number> {
  const explanations = await explainKeys(call.workspace, call.argument ?? "");
  if (call.json) call.print(JSON.stringify(explanations, null, 2));
  else for (const explanation of explanations) printExplanation(explanation, call);
  return exitCodes.ok;
}

async function explainKeys(folder: string, written: string): Promise<Explanation[]> {
  const { inspectWorkspace, requireSnapshot } = await import("./inspect.ts");
  const { ConfigSyncError, formatPlace } = await import("../errors.ts");
  const { showValue } = await import("../sync/events.ts");
  const { formatPath, parsePath } = await import("../config/path.ts");
  const inspection = await inspectWorkspace(folder);
  const { entries, candidates } = requireSnapshot(inspection);
  const rendered = [...inspection.renderings.values()].flatMap(({ wanted }) => wanted?.service ?? []);
  const unknown = [...inspection.renderings].flatMap(([name, { error }]) => (error === undefined ? [] : name));
  const usedBy = (key: string): Explanation["usedBy"] =>
    rendered.flatMap(({ name, outputs }) =>
      outputs
        .filter(({ used }) => used.some((one) => covers(one, key)))
        .map(({ shownPath }) => ({ service: name, output: shownPath })),
    );
  const path = parsePath(written);
  const asked = path === undefined ? written : formatPath(path);
  const keys = [...entries.keys()].filter((key) => covers(asked, key));
  // A key that nobody gives may still be asked for by a template.
  if (keys.length === 0 && usedBy(asked).length > 0) keys.push(asked);
  if (keys.length === 0) {
    const hint = nearest(asked, [...entries.keys()]);
    throw new ConfigSyncError("NOT_FOUND", `no source has a key ${asked}`, {
      hint: hint === undefined ? undefined : `Did you mean ${hint}?`,
    });
  }
  return keys.map((key) => {
    const given = (candidates.get(key) ?? []).map((entry) => ({
      source: entry.origin.source,
      place: formatPlace(entry.origin),
      value: showValue(entry),
    }));
    return { key, value: given[0]?.value ?? null, candidates: given, usedBy: usedBy(key), unknown };
  });
}

function covers(outer: string, key: string): boolean {
  return key === outer || key.startsWith(`${outer}.`);
}

/** The key that shares the longest beginning or the same last segment. */
function nearest(asked: string, keys: readonly string[]): string | undefined {
  const last = asked.split(".").at(-1) ?? asked;
  const shared = (key: string): number => {
    let length = 0;
    while (length < key.length && key[length] === asked[length]) length++;
    return length + (key.endsWith(`.${last}`) ? last.length : 0);
  };
  const [best] = keys.toSorted((a, b) => shared(b) - shared(a));
  return best !== undefined && shared(best) >= 3 ? best : undefined;
}

function printExplanation({ key, value, candidates, usedBy, unknown }: Explanation, { print, style }: Call): void {
  print(`${style("bold", key)} = ${value ?? style("gray", "(not set)")}`);
  candidates.forEach(({ place, source, value: given }, index) => {
    const text = `${place || source}: ${given}`;
    print(index === 0 ? `  ${style("green", "won ")} ${text}` : `  ${style("gray", `lost ${text}`)}`);
  });
  for (const { service, output } of usedBy) print(`  used by ${service}: ${output}`);
  if (usedBy.length === 0 && unknown.length === 0) print(style("gray", "  used by no output"));
  if (unknown.length > 0)
    print(style("yellow", `  perhaps used by ${unknown.join(", ")}: "config-sync validate" tells what is wrong there`));
}
