/**
 * A process that carries out command lines one after the other, as `config-sync` does each in a process of its own. They are lines of
 * JSON in a file, and so on nobody's command line. Before each one its number goes to both outputs.
 */
import { readFileSync, writeSync } from "node:fs";
import { runCommandLine } from "../../../../src/cli/program.ts";

const lines = readFileSync(process.argv[2] ?? "", "utf8")
  .trim()
  .split("\n");
for (const [index, line] of lines.entries()) {
  for (const output of [1, 2]) writeSync(output, `\n#${index}#\n`);
  const code = await runCommandLine(JSON.parse(line));
  await new Promise<void>((resolve) => process.stdout.write(`\n#exit ${code}#\n`, () => resolve()));
}
