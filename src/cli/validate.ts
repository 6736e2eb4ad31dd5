import type { Finding } from "../sync/findings.ts";
import { type Call, type Command, exitCodes } from "./command.ts";

export const validate: Command = {
  name: "validate",
  summary: "check everything and render it, without writing",
  help: `
Finds what can be found without asking a service: bad lines in config.ini,
unknown settings, templates that need a value that is missing, values that a
file format cannot hold. Warns of values that templates write raw, and of keys
in config.ini that the system's own file overrules. Values are held to the
schema of the workspace, where its settings name one; only here, and by the
API's route of the same name, it is told how hard passwords are to guess, which
are samples, and which new ports another program listens on.

Examples:
  config-sync validate
  config-sync validate --strict --json

Exit codes: 0 no errors (warnings count with --strict only), 1 errors.`,
  options: [{ flags: "--strict", description: "warnings count as errors" }],
  run: runValidate,
};

async function runValidate(call: Call): Promise<number> {
  const findings = await find(call.workspace);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const stops = call.options.strict === true ? findings.length > 0 : errors > 0;
  if (call.json) call.print(JSON.stringify({ findings }, null, 2));
  else {
    for (const { severity, text } of findings)
      call.print(`${call.style(severity === "error" ? "red" : "yellow", severity)} ${text}`);
    const summary = `${count(errors, "error")}, ${count(findings.length - errors, "warning")}`;
    call.print(call.style(stops ? "red" : "green", summary));
  }
  return stops ? exitCodes.error : exitCodes.ok;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

async function find(folder: string): Promise<Finding[]> {
  const { inspectWorkspace } = await import("./inspect.ts");
  const { findAll, findingOf } = await import("../sync/findings.ts");
  const { adviseOn } = await import("../sync/advice.ts");
  const { loadedBy } = await import("../sync/taken-ports.ts");
  const { asConfigSyncError } = await import("../errors.ts");
  try {
    const { workspace, ...inspection } = await inspectWorkspace(folder);
    const { settings, services, sections, digest } = workspace;
    const loaded = loadedBy(services, inspection.ledger, digest);
    const violations = await adviseOn({ schema: settings.schema, sections, snapshot: inspection.snapshot, loaded });
    return findAll({ ...inspection, services, violations });
  } catch (error) {
    return [findingOf(asConfigSyncError(error))];
  }
}
