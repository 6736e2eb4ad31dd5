/** npm run fuzz: every parser and writer of src/formats against the program that it writes for, or that program's own parser. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import type { Contest, Trial } from "./contest.ts";
import { runTrial } from "./contest.ts";
import { contests } from "./contests/index.ts";

const help = `npm run fuzz [-- CONTEST… --cases N --seed N]

Random values, texts and merges: what we write must be read back exactly by the oracle, what both read must be the same, and a
merge must change our keys only. Prints the seed first; with it a run is the same again.

Contests (all without a name), and who is asked:
${contests.map(({ name, against }) => `  ${name.padEnd(16)} ${against}`).join("\n")}

  --cases N   how many values and texts a contest takes (100000), and then two fifths as many merges and templates
  --seed N    a number that a run printed
  --trial T   only this trial of each contest: values, documents, merges, templates
  --path P    the one case that a failure named; with --seed and --trial
  --help      this text

Needs root on Debian for the programs it starts; ini:gitea, ini:generic, env:compose, env:dotenv, env:dotenv-node and json
need Node.js alone. Exit code 1: a case failed.`;

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly trial: string | undefined;
  readonly path: string | undefined;
}

interface Asked extends Options {
  readonly help: boolean;
  readonly chosen: readonly Contest[];
}

async function main({ help: isHelp, chosen, ...options }: Asked): Promise<void> {
  if (isHelp) return console.log(help);
  console.log(`seed ${options.seed}, ${options.cases.toLocaleString("en")} values and texts a contest`);
  const outcomes: boolean[] = [];
  for (const contest of chosen) outcomes.push(...(await runContest(contest, options)));
  const failures = outcomes.filter((isGood) => !isGood).length;
  console.log(conclude(outcomes.length, failures));
  process.exitCode = outcomes.length > 0 && failures === 0 ? 0 : 1;
}

function readArguments(): Asked {
  const { values, positionals } = parseArgs({
    options: {
      cases: { type: "string", default: "100000" },
      seed: { type: "string", default: String(randomInt(2 ** 31)) },
      trial: { type: "string" },
      path: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
    allowPositionals: true,
  });
  const { help, trial, path } = values;
  const cases = wholeNumber("--cases", values.cases);
  return { help, trial, path, cases, seed: wholeNumber("--seed", values.seed), chosen: choose(positionals) };
}

/** Undefined where the command line cannot be understood; that has been said then. */
function readArgumentsOrSay(): Asked | undefined {
  try {
    return readArguments();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
    return undefined;
  }
}

function choose(names: readonly string[]): readonly Contest[] {
  const unknown = names.find((name) => !contests.some((contest) => contest.name === name));
  if (unknown !== undefined) throw new Error(`there is no contest "${unknown}"; npm run fuzz -- --help lists them`);
  return names.length === 0 ? contests : contests.filter(({ name }) => names.includes(name));
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${option} takes a whole number`);
  return Number(text);
}

function conclude(trials: number, failures: number): string {
  if (trials === 0) return "there is no such trial, so nothing was tried";
  if (failures === 0) return "no case failed";
  return `${failures} ${failures === 1 ? "trial" : "trials"} failed`;
}

/** Whether each of its trials went well. */
async function runContest(contest: Contest, options: Options): Promise<boolean[]> {
  console.log(`${contest.name}: ${contest.against}`);
  const { trials, stop } = await contest.start();
  const outcomes: boolean[] = [];
  try {
    for (const trial of trials) {
      if (options.trial !== undefined && options.trial !== trial.name) continue;
      outcomes.push(await reportTrial(contest, trial, options));
    }
  } finally {
    await stop();
  }
  return outcomes;
}

async function reportTrial(contest: Contest, trial: Trial, { cases, seed, path }: Options): Promise<boolean> {
  const start = performance.now();
  const ticking = setInterval(() => console.log(`  ${trial.name.padEnd(10)} …`), 30_000);
  const outcome = await runTrial(trial, cases, seed, path).finally(() => clearInterval(ticking));
  const share = Math.round((100 * outcome.telling) / outcome.cases);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { failure } = outcome;
  const count = outcome.cases.toLocaleString("en").padStart(9);
  console.log(
    `  ${trial.name.padEnd(10)} ${count} cases, ${String(share).padStart(3)} % telling, ${seconds} s${failure ? ", FAILED" : ""}`,
  );
  if (failure === undefined) return true;
  console.log(`    ${failure.reason.replaceAll("\n", "\n    ")}`);
  console.log(`    counterexample: ${failure.counterexample}`);
  console.log(`    again: npm run fuzz -- ${contest.name} --seed ${seed} --trial ${trial.name} --path ${failure.path}`);
  return false;
}

const asked = readArgumentsOrSay();
if (asked !== undefined) await main(asked);
