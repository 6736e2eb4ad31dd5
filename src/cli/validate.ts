import { type Call, type Command, exitCodes } from "./command.ts";

export const validate: Command = {
  name: "validate",
  summary: "check everything and render it, without writing",
  help: `
Finds what can be found without asking a service: bad lines in config.ini,
unknown settings, templates that need a value that is missing, values that a
file format cannot hold. Warns of values that templates write raw, and of keys
in config.ini that the system's own file overrules.

Examples:
  config-sync validate
  config-sync validate --json

Exit codes: 0 no errors (warnings do not count), 1 errors.`,
  run: runValidate,
};

interface Finding {
  readonly severity: "error" | "warning";
  readonly text: string;
}

async function runValidate(call: Call): Promise<number> {
  const findings = await find(call.workspace);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  if (call.json) call.print(JSON.stringify({ findings }, null, 2));
  else {
    for (const { severity, text } of findings)
      call.print(`${call.style(severity === "error" ? "red" : "yellow", severity)} ${text}`);
    const summary = `${count(errors, "error")}, ${count(findings.length - errors, "warning")}`;
    call.print(call.style(errors > 0 ? "red" : "green", summary));
  }
  return errors > 0 ? exitCodes.error : exitCodes.ok;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

async function find(workspace: string): Promise<Finding[]> {
  const { inspectWorkspace } = await import("./inspect.ts");
  const { formatPath } = await import("../config/path.ts");
  const { asConfigSyncError, formatPlace } = await import("../errors.ts");
  const error = (text: string): Finding => ({ severity: "error", text });
  const warning = (text: string): Finding => ({ severity: "warning", text });
  try {
    const { workspace: opened, problems, snapshot, renderings } = await inspectWorkspace(workspace);
    return [
      ...problems.map((problem) => error(problem.toText())),
      ...[...renderings].flatMap(([name, { error: problem }]) =>
        problem === undefined ? [] : error(`${name}: ${problem.toText()}`),
      ),
      ...opened.services.flatMap(({ warnings }) =>
        warnings.map(({ place, message }) => warning(`${formatPlace(place)}: ${message}`)),
      ),
      ...(snapshot?.overruled ?? []).map(({ entry, by }) =>
        warning(
          `${formatPlace(entry.origin)}: ${formatPath(entry.path)} has no effect: ${by.origin.source} has the last word on it`,
        ),
      ),
    ];
  } catch (thrown) {
    return [error(asConfigSyncError(thrown).toText())];
  }
}
