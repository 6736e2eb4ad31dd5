import { type Call, type Command, exitCodes } from "./command.ts";
import type { Style } from "./terminal.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "check paths, rights, sockets and limits, and say how to mend each",
  help: `
Looks only; the one thing it makes is a file in the state folder that it
removes again. Run it as the user that the daemon runs as.

Examples:
  config-sync doctor
  sudo -u config-sync config-sync doctor --workspace /etc/config-sync

Exit codes: 0 nothing is in the way (there may be warnings), 1 something is.`,
  run: runDoctor,
};

/** What a check found. `mend` says what to do. */
export interface Diagnosis {
  readonly about: string;
  readonly state: "ok" | "warning" | "failure";
  readonly text: string;
  readonly mend?: string | undefined;
}

const styles: Readonly<Record<Diagnosis["state"], Style>> = { ok: "green", warning: "yellow", failure: "red" };

async function runDoctor(call: Call): Promise<number> {
  const { diagnose } = await import("./diagnose.ts");
  const found = await diagnose(call.workspace);
  if (call.json) call.print(JSON.stringify({ checks: found }, null, 2));
  else {
    for (const { about, state, text, mend } of found) {
      call.print(`${call.style(styles[state], state.padEnd(8))} ${about}: ${text}`);
      if (mend !== undefined) call.print(`         ${call.style("cyan", `→ ${mend}`)}`);
    }
  }
  return found.some(({ state }) => state === "failure") ? exitCodes.error : exitCodes.ok;
}
