import ini from "ini";
import { genericIni } from "../../../src/formats/ini/generic.ts";
import { hostileValue, type IniPieces, likelyIni, wildIni } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { keyOf, pathOf, plainReading, pureOracle, type Verdict } from "../reading.ts";
import { printIni, subjectOf } from "../subject.ts";
import { iniFrames, iniPaths } from "./ini-pieces.ts";

const pieces: IniPieces = {
  sections: ["", "[s]", "[t]", "[s.t]", "[s.t.u]", "[a\\.b]", "[ s ]", "[S]  "],
  keys: ["a", "b", "C", "long-key", "a[]", "b[]", '"d e"', "'f'", "  a", "a.b", "\u2003h"],
  delimiters: ["=", " = ", "\t=\t"],
  values: [
    "x",
    " ",
    "two words",
    '"',
    "'",
    "\\",
    "\\;",
    "\\#",
    "\\\\",
    ";",
    "#",
    " ; c",
    "true",
    "null",
    "5",
    "=",
    "\ufeff",
  ],
  others: ["; c", "flag", "k = 5", "t = 1"],
  broken: ["= x", "[", "[]", "[s] ; c", "__proto__ = 1", "a = {}", "'[1]'", "[__proto__]", "\ufeff=", "x[] = 1"],
};

/** What npm ini makes of the text; lists by number, and the words true, false and null as words. */
export const genericContest = createContest({
  name: "ini:generic",
  against: "npm ini",
  needsPrograms: false,
  startOracle: pureOracle(readNpmIni),
  subject: subjectOf(genericIni, { print: printIni, paths: iniPaths, values: hostileValue, isLined: true }),
  values: hostileValue,
  frames: iniFrames,
  likely: likelyIni(pieces),
  wild: wildIni(pieces),
  refusesToo: [
    { why: "npm ini drops or overwrites something without a word", applies: losesSomething },
    {
      why: "npm ini takes a key with a dot for a section where its value is null",
      applies: (text) => /^[^=\r\n]*\.[^=\r\n]*=[^\r\n]*null/m.test(text),
    },
  ],
  templates: [
    "[s]\nk = {{v.x}}\nlast = 1\n",
    "[s]\nk = {{v.x}} ; c\nlast = 1\n",
    "[s]\nk = a{{v.x}}z\nlast = 1\n",
    "[s]\nk = {{v.x}}{{v.x}}\nlast = 1\n",
    '[s]\nk = "{{v.x}}"\nlast = 1\n',
    "[s]\nk[] = {{v.x}}\nk[] = last\n",
    "[s]\nk = 1 # {{v.x}}\nlast = 1\n",
    "; {{v.x}}\n[s]\nlast = 1\n",
    "[{{v.x}}]\nlast = 1\n",
    "[s]\n{{v.x}} = 1\nlast = 1\n",
  ],
});

function readNpmIni(text: string): Verdict {
  const values = new Map<string, string>();
  try {
    collect(ini.parse(text), [], values);
  } catch {
    return undefined;
  }
  return plainReading(values);
}

function collect(value: unknown, path: readonly string[], values: Map<string, string>): void {
  if (typeof value !== "object" || value === null) values.set(keyOf(path), String(value));
  else for (const [key, inner] of Object.entries(value)) collect(inner, [...path, key], values);
}

/** A line of which the whole has nothing, a header that is none, and a value that is JSON. */
function losesSomething(text: string): boolean {
  const found = readNpmIni(text)?.fields;
  const pairs = text.split(/[\r\n]+/).filter((line) => line.trim() !== "" && !/^\s*[;#[]/.test(line));
  return (
    found === undefined ||
    found.size < pairs.length ||
    /[{[]/.test(text) ||
    text.includes("__proto__") ||
    [...found.keys()].some((key) => pathOf(key).includes(""))
  );
}
