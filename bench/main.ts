/** npm run bench: how fast the built program is, beside the least that the same machine needs in the same minutes. */
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { figures } from "./figures.ts";
import { describeMachine, processorTicks } from "./machine.ts";
import { type Effort, isMet, type Measurement, ratioOf } from "./measurement.ts";
import { formatTable } from "./table.ts";

const help = `npm run bench [-- FIGURE… --json --quick --peer CMD]

Measures the built program and prints a table, each figure beside the floor of the same run and the bar it should not pass.
A bar that is not met is told, and is no failure: the exit code is 0 unless something could not be measured.

Figures: ${[...figures.keys()].join(", ")};
without a name all of them, in about ten minutes. bind-mount, owner and fsync need root, fsync also strace.
  --quick      a smoke run of two minutes, too short to be quoted
  --peer CMD   measures another program, too, on workspaces of its own, and gives it a column
  --json       for programs
  --help       this text

CMD is a program and its arguments, parted by blanks; no shell reads it. In the arguments stand for
  {config}     the config.ini that it has to watch
  {outputs}    a JSON file with the outputs that it has to write: lists of paths, those of one list belong together
  {folder}     the workspace; what services are loaded with, where a figure asks for it, is the command {folder}/reload
An output is three lines, VALUE= with the value that changes, OWN=steady and PORT=8080, below a comment with the service's name.
The floor is an example that knows no reloads: --peer "node bench/floor.ts {outputs} {config}"

Files are written to $TMPDIR or /tmp: point it at the kind of disk that matters to you.`;

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "boolean" },
      quick: { type: "boolean" },
      peer: { type: "string" },
      help: { type: "boolean" },
    },
    allowPositionals: true,
  });
  if (values.help) return console.log(help);
  const quick = values.quick === true;
  const peer = values.peer?.split(" ").filter((word) => word !== "");
  const from = processorTicks();
  const measurements = await measure(positionals, { quick, peer });
  const machine = describeMachine(tmpdir(), from);
  if (values.json)
    console.log(JSON.stringify({ machine, quick, peer: values.peer, measurements: measurements.map(judge) }));
  else {
    const against = values.peer === undefined ? "" : `\npeer: ${values.peer}`;
    console.log(`${machine}${quick ? ", smoke run" : ""}${against}\n\n${formatTable(measurements)}`);
  }
}

async function measure(names: readonly string[], effort: Effort): Promise<Measurement[]> {
  const unknown = names.find((name) => !figures.has(name));
  if (unknown !== undefined)
    throw new Error(`there is no figure "${unknown}"; there are ${[...figures.keys()].join(", ")}`);
  const measurements: Measurement[] = [];
  for (const [name, measureFigure] of figures) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.error(`measuring ${name} …`);
    try {
      measurements.push(...(await measureFigure(effort)));
    } catch (error) {
      // The others are worth having all the same.
      console.error(`${name}:`, error);
      process.exitCode = 1;
    }
  }
  return measurements;
}

function judge(measurement: Measurement) {
  return { ...measurement, ratio: ratioOf(measurement), met: isMet(measurement) };
}

await run();
