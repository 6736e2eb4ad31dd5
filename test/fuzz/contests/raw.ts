import fc from "fast-check";
import { rawFormat } from "../../../src/formats/env/raw.ts";
import { hostileValue } from "../arbitraries.ts";
import type { Contest, Trial } from "../contest.ts";
import { demand, difference, quote, unlessRefused } from "../duel.ts";
import { type DockerEnvFile, startDockerEnvFile } from "../oracles/docker-env-file.ts";
import { keyOf, type Values } from "../reading.ts";
import { printEnv, subjectOf } from "../subject.ts";
import { type EnvPieces, likelyEnv, wildEnv } from "./env-pieces.ts";

const pieces: EnvPieces = {
  names: ["A", "B", "long_name", "A.b-c", "é", "1A", "\u2003A", "  A", "A[0]", "a:b"],
  delimiters: ["=", "=", "=", "= "],
  values: ["x", " ", "two words", "'", '"', "\\", "$A", "#", " #", "\t", "=", "\u2028", "\u00a0", "\v"],
  others: ["UNSET", "  # c", "\u2003", "\t", "A=", "export=1"],
  broken: ["A B=1", "A =1", "=x", " = ", "export A=1", "A\tB", "\0", "\r"],
};

/** A container is a third of a second: each run holds many values, or many texts below each other. */
export const rawContest: Contest = {
  name: "env:raw",
  against: "the real docker run --env-file",
  needsPrograms: true,
  start: async () => {
    const docker = await startDockerEnvFile();
    return {
      trials: [valuesTrial(docker), documentsTrial(docker), refusalsTrial(docker), mergesTrial(docker)],
      stop: docker.stop,
    };
  },
};

const manyValues = 500;
const manyTexts = 200;

/** Each value is refused, or is exactly its variable's in the container. */
function valuesTrial(docker: DockerEnvFile): Trial {
  let telling = 0;
  const batches = fc.array(hostileValue, { minLength: manyValues, maxLength: manyValues, size: "max" });
  const property = fc.asyncProperty(batches, fc.constantFrom("\n", "\r\n"), async (batch, newline) => {
    const written = batch.flatMap((value, index) => {
      const text = unlessRefused(["UNREPRESENTABLE"], () => rawFormat.write(value));
      return text === undefined || text.length > 10_000 ? [] : [{ name: `K${index}`, value, text }];
    });
    await narrowDown(written, async (some) => {
      const text = some.map((one) => `${one.name}=${one.text}${newline}`).join("");
      const values = new Map(some.map(({ name, value }) => [keyOf([name]), value]));
      return compare(docker, text, values, ["we wrote", "the container has"]);
    });
    telling += written.length;
  });
  return { name: "values", share: 1, batch: manyValues, narrowsDown: true, property, telling: () => telling };
}

/** Texts that we read, below each other, are read by docker as we read the whole. */
function documentsTrial(docker: DockerEnvFile): Trial {
  let telling = 0;
  const texts = fc.oneof(likelyEnv(pieces), wildEnv(pieces)).map((text) => text.replace(/^\ufeff/, ""));
  const batches = fc.array(texts, { minLength: manyTexts, maxLength: manyTexts, size: "max" });
  const property = fc.asyncProperty(batches, async (batch) => {
    const readable = batch.filter((text) => unlessRefused(["PARSE_FAILED"], () => rawFormat.read(text)) !== undefined);
    await narrowDown(readable, async (some) => {
      const text = some.map((one) => `${one}\n`).join("");
      return compare(docker, text, valuesOf(text), ["we read", "the container has"]);
    });
    telling += readable.length;
  });
  return { name: "documents", share: 0.5, batch: manyTexts, narrowsDown: true, property, telling: () => telling };
}

/** Fails with what `check` finds in the smallest half of a half of the batch. */
async function narrowDown<T>(
  batch: readonly T[],
  check: (some: readonly T[]) => Promise<string | undefined>,
): Promise<void> {
  let problem = await check(batch);
  if (problem === undefined) return;
  for (let rest = batch; rest.length > 1; ) {
    const halves = [rest.slice(0, rest.length / 2), rest.slice(rest.length / 2)];
    const [first = [], second = []] = halves;
    const inFirst = await check(first);
    rest = inFirst === undefined ? second : first;
    const found = inFirst ?? (await check(second));
    if (found === undefined) break;
    problem = found;
  }
  throw new Error(problem);
}

async function compare(docker: DockerEnvFile, text: string, ours: Values, who: readonly [string, string]) {
  const variables = await docker.read(text);
  const differs = variables === undefined ? "docker refuses it" : difference(ours, byKey(variables), who);
  return differs === undefined ? undefined : `${differs} in ${quote(text)}`;
}

function valuesOf(text: string): Values {
  return new Map(rawFormat.read(text).map(({ path, value }) => [keyOf(path), value]));
}

function byKey(variables: readonly (readonly [name: string, value: string])[]): Values {
  return new Map(variables.map(([name, value]) => [keyOf([name]), value]));
}

/** A text that we refuse is refused by docker too. One at a time, hence few. */
function refusalsTrial(docker: DockerEnvFile): Trial {
  let telling = 0;
  const property = fc.asyncProperty(wildEnv(pieces), async (text) => {
    if (unlessRefused(["PARSE_FAILED"], () => rawFormat.read(text)) !== undefined) return;
    const theirs = await docker.read(text).catch(() => undefined);
    demand(theirs === undefined, () => `we refuse ${quote(text)}, and the container has ${quote(theirs)}`);
    telling++;
  });
  return { name: "refusals", share: 0.001, property, telling: () => telling };
}

/** After a merge the container has the wanted variables and all others as before. */
function mergesTrial(docker: DockerEnvFile): Trial {
  let telling = 0;
  const values = hostileValue.filter((value) => value.length < 1000);
  const { merge } = subjectOf(rawFormat, { print: printEnv, paths: [], values, isLined: true });
  const wanted = fc.record({ path: fc.constantFrom(["A"], ["B"], ["fresh"], ["long_name"]), value: values });
  const property = fc.asyncProperty(
    likelyEnv(pieces),
    fc.uniqueArray(wanted, { selector: ({ path }) => keyOf(path) }),
    async (existing, keys) => {
      const merged = unlessRefused(["PARSE_FAILED", "UNREPRESENTABLE"], () => merge.merge(existing, keys, []));
      if (merged === undefined) return;
      const expected = new Map([
        ...(await read(docker, existing)),
        ...keys.map(({ path, value }) => [keyOf(path), value] as const),
      ]);
      const differs = difference(expected, await read(docker, merged), ["there should be", "the container has"]);
      demand(differs === undefined, () => `${differs} in ${quote(merged)}`);
      telling++;
    },
  );
  return { name: "merges", share: 0.002, property, telling: () => telling };
}

async function read(docker: DockerEnvFile, text: string): Promise<Values> {
  const variables = await docker.read(text);
  demand(variables !== undefined, () => `docker refuses ${quote(text)}`);
  return byKey(variables);
}
