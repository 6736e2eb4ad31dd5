import path from "node:path";
import { z } from "zod";
import { argv, duration } from "../config/schema.ts";
import { ConfigSyncError } from "../errors.ts";
import { runCommand } from "../platform/processes.ts";
import type { Reload } from "./reload.ts";

const schema = z.strictObject({
  argv,
  timeout: duration.prefault("30s"),
  /** Relative to the workspace, which is the default. */
  cwd: z.string().min(1).optional(),
  env: z.record(z.string().regex(/^[^=\0]+$/, "is not the name of a variable"), z.string()).optional(),
});

/** Runs a program on this host: `systemctl restart cockpit.socket`. Its exit code says whether it worked. */
export const command: Reload<z.output<typeof schema>> = {
  kind: "command",
  schema,
  describe: ({ argv }) => `run ${argv.join(" ")}`,
  run: async ({ argv, timeout, cwd = ".", env }, { signal, redact, folder }) => {
    const { exitCode, output } = await runCommand(argv, {
      ...{ signal, timeout, redact, env },
      cwd: path.resolve(folder, cwd),
    });
    if (exitCode === 0) return;
    const said = output.trim() === "" ? "" : `: ${output.trim()}`;
    throw new ConfigSyncError("RELOAD_REFUSED", `${redact(argv[0] ?? "")} ended with exit code ${exitCode}${said}`);
  },
};
