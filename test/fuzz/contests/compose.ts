import { composeFormat } from "../../../src/formats/env/compose.ts";
import { hostileValue } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { readCompose } from "../oracles/compose-dotenv.ts";
import { pureOracle } from "../reading.ts";
import { printEnv, subjectOf } from "../subject.ts";
import { type EnvPieces, envPaths, exportingFrames, exportingTemplates, likelyEnv, wildEnv } from "./env-pieces.ts";

/** As written in the file, not here. */
const braced = "$" + "{B}";
const withDefault = "A=$" + "{B:-x}";

export const composePieces: EnvPieces = {
  names: ["A", "B", "long_name", "A.b-c", "A[0]", "export A", "export\tB", " A", "é", "1A", "\u2003A"],
  delimiters: ["=", "=", "=", " = ", ": ", "=\t", "\u00a0="],
  values: [
    "x",
    " ",
    "two words",
    "\\",
    "\\n",
    "\\$",
    '\\"',
    "\\0101",
    "\\0777",
    "\\08",
    "$$",
    "$A",
    braced,
    "$1",
    "$",
    "#",
    " #",
    "`",
    "=",
  ],
  others: ["A", "export B", "A=\u2003x", "export=1", 'K="m\nn"', "K='m\r\nn' # c"],
  broken: ["; c", "=x", "A B=1", "A\tB=1", "export", "\u0085", "$" + "{", withDefault, "'", '"', "\n"],
};

/** Statements with references say `?`, on both sides. */
export const composeContest = createContest({
  name: "env:compose",
  against: "compose-go's dotenv, written again",
  needsPrograms: false,
  startOracle: pureOracle(readCompose),
  subject: subjectOf(composeFormat, {
    print: printEnv,
    paths: envPaths,
    values: hostileValue,
    readValue: (field) => ("live" in field && field.live === true ? "?" : field.value),
    isLined: true,
  }),
  values: hostileValue,
  frames: exportingFrames,
  readsToo: [
    {
      why: "a reference inside a default: the format does not follow it",
      applies: (text) => /\$\{\w+:?[-?+].*\$\{/.test(text),
    },
  ],
  likely: likelyEnv(composePieces),
  wild: wildEnv(composePieces),
  templates: exportingTemplates,
});
