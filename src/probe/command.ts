import { z } from "zod";
import { argv, duration } from "../config/schema.ts";
import { runCommand } from "../platform/processes.ts";
import { answerOf } from "./answer.ts";
import type { Probe } from "./probe.ts";

const schema = z.strictObject({ argv, timeout: duration.prefault("5s") });

/** A program on this host; healthy is exit code 0. */
export const command: Probe<z.output<typeof schema>> = {
  kind: "command",
  schema,
  describe: ({ argv }) => `${argv.join(" ")} succeeds`,
  check: ({ argv, timeout }, { signal, redact, folder }) =>
    answerOf(redact, async () => {
      const { exitCode, output } = await runCommand(argv, { signal, timeout, redact, cwd: folder });
      const lastLine = output.trim().split("\n").at(-1) ?? "";
      const said = exitCode === 0 || lastLine === "" ? "" : `: ${lastLine.slice(0, 500)}`;
      return { healthy: exitCode === 0, detail: `${argv[0]} ended with exit code ${exitCode}${said}` };
    }),
};
