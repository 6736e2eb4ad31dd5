import { parseEnv } from "node:util";
import { parse } from "dotenv";
import { dotenvFormat } from "../../../src/formats/env/dotenv.ts";
import { hostileValue } from "../arbitraries.ts";
import type { Contest } from "../contest.ts";
import { createContest } from "../duel.ts";
import { keyOf, plainReading, pureOracle, type Verdict } from "../reading.ts";
import { printEnv, subjectOf } from "../subject.ts";
import { valuesTrial } from "../trials/values.ts";
import {
  type EnvPieces,
  envFrames,
  envPaths,
  exportingFrames,
  exportingTemplates,
  likelyEnv,
  wildEnv,
} from "./env-pieces.ts";

const pieces: EnvPieces = {
  names: ["A", "B", "long_name", "A.b-c", "export A", "export\tB", " A", "1A", "\u2003A"],
  delimiters: ["=", "=", "=", " = ", ": ", "=\t"],
  values: ["x", " ", "two words", "'", '"', "`", "\\", "\\n", "\\r", "\\'", "$A", "#", " #", "=", "\u2028", "\u00a0"],
  others: ["A", "export B", "; c", "note", "A\tB", "\u0085", "A=\u2003x", 'K="m\nn"', "K='m\r\nn' # c"],
  broken: ["A\n=x", "B:\ny", "\n", "\r", "\u2029", "A B=1"],
};

const subject = subjectOf(dotenvFormat, { print: printEnv, paths: envPaths, values: hostileValue, isLined: true });

/** npm dotenv refuses nothing. */
export const dotenvContest = createContest({
  name: "env:dotenv",
  against: "npm dotenv",
  needsPrograms: false,
  startOracle: pureOracle((text) => readingOf(parse(text))),
  subject,
  values: hostileValue,
  frames: exportingFrames,
  likely: likelyEnv(pieces),
  wild: wildEnv(pieces),
  refusesToo: [
    { why: "dotenv ignores a line with = that is no statement", applies: (text) => text.includes("=") },
    {
      why: "a quote behind U+2028, which dotenv takes for a line's end",
      applies: (text) => /[\u2028\u2029]/.test(text),
    },
  ],
  templates: exportingTemplates,
});

/**
 * What `node --env-file` makes of what we write. Its parser has dotenv's name and other rules: names of letters, digits and
 * `_`, no `\\r` in `"`. So it is asked about values only, and about those without a carriage return.
 */
export const parseEnvContest: Contest = {
  name: "env:dotenv-node",
  against: "node's util.parseEnv, values only",
  needsPrograms: false,
  start: async () => {
    const oracle = await pureOracle((text) => readingOf(parseEnv(text)))();
    const values = hostileValue.filter((value) => !value.includes("\r"));
    return {
      trials: [{ ...valuesTrial({ subject, frames: envFrames, values }, oracle), share: 1 }],
      stop: oracle.stop,
    };
  },
};

function readingOf(values: NodeJS.Dict<string>): Verdict {
  return plainReading(new Map(Object.entries(values).map(([name, value]) => [keyOf([name]), value ?? ""])));
}
