/** npm run bench: how fast the built program is, beside the least that the same machine needs in the same minutes. */
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { figures } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { isMet, type Measurement, ratioOf } from "./measurement.ts";
import { formatTable } from "./table.ts";

const help = `npm run bench [-- FIGURE… --json --quick]

Measures the built program and prints a table, each figure beside the floor of the same run and the bar it should not pass.
A bar that is not met is told, and is no failure: the exit code is 0 unless something could not be measured.

Figures: ${[...figures.keys()].join(", ")}; without a name all of them, in about three minutes.
  --quick   a smoke run of half a minute, too short to be quoted
  --json    for programs
  --help    this text

Files are written to $TMPDIR or /tmp: point it at the kind of disk that matters to you.`;

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: "boolean" }, quick: { type: "boolean" }, help: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help) return console.log(help);
  const measurements = await measure(positionals, values.quick === true);
  const machine = describeMachine(tmpdir());
  if (values.json)
    console.log(JSON.stringify({ machine, quick: values.quick === true, measurements: measurements.map(judge) }));
  else console.log(`${machine}${values.quick ? ", smoke run" : ""}\n\n${formatTable(measurements)}`);
}

async function measure(names: readonly string[], quick: boolean): Promise<Measurement[]> {
  const unknown = names.find((name) => !figures.has(name));
  if (unknown !== undefined)
    throw new Error(`there is no figure "${unknown}"; there are ${[...figures.keys()].join(", ")}`);
  const measurements: Measurement[] = [];
  for (const [name, measureFigure] of figures) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.error(`measuring ${name} …`);
    measurements.push(...(await measureFigure({ quick })));
  }
  return measurements;
}

function judge(measurement: Measurement) {
  return { ...measurement, ratio: ratioOf(measurement), met: isMet(measurement) };
}

await run();
