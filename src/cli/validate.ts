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

Everything is read as it is now, also beside a daemon that has not read its
settings and templates again: then this says so.

Examples:
  config-sync validate
  config-sync validate --strict --json

Exit codes: 0 no errors (warnings count with --strict only), 1 errors.`,
  options: [{ flags: "--strict", description: "warnings count as errors" }],
  run: runValidate,
};

async function runValidate(call: Call): Promise<number> {
  const { ok, findings } = await find(call);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const stops = call.options.strict === true ? findings.length > 0 : errors > 0;
  if (call.json) call.print(JSON.stringify({ ok, findings }, null, 2));
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

interface Found {
  /** There is no error. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

async function find(call: Call): Promise<Found> {
  const { askApi } = await import("./ask-api.ts");
  try {
    return await askApi<Found>(call, { method: "POST", path: "/settings/validate" });
  } catch (thrown) {
    // Settings or manifests that cannot be read, and no daemon that could say more.
    const { findingOf } = await import("../sync/findings.ts");
    const { asConfigSyncError } = await import("../errors.ts");
    return { ok: false, findings: [findingOf(asConfigSyncError(thrown))] };
  }
}
