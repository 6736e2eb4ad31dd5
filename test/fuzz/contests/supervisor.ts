import type { Field } from "../../../src/formats/format.ts";
import { supervisorIni } from "../../../src/formats/ini/supervisor.ts";
import { hostileValue, type IniPieces, likelyIni, wildIni } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { startPythonIni } from "../oracles/python.ts";
import { printIni, subjectOf } from "../subject.ts";
import { iniFrames, iniPaths } from "./ini-pieces.ts";

const pieces: IniPieces = {
  sections: ["[s]", "[t]", "[program:x]", "[DEFAULT]", "[ s ]", "[a]b] ; c"],
  keys: ["a", "b", "C", "long-key", "d e", "  a", "\u2003g"],
  delimiters: ["=", " = ", ":", ": ", "\t=\t", "=\n  ", " = ; c\n\t"],
  values: [
    "x",
    " ",
    "two words",
    "%%",
    "%(ENV_HOME)s",
    "%(process_num)02d",
    "x;y",
    " ;c",
    "\t# c",
    ";",
    '"q"',
    "\n  more",
    "\n\n  ",
  ],
  others: ["  more", "\tmore = 1", " ; c", "  # c", "\x1c;", "a;b ;c #d = 1"],
  broken: ["[", "[]", "key", "= x", "rem x", "a = %", "b = %(x", "c = %d"],
};

/** supervisord's names stay as they are written; a number in the process group's is 7 to the oracle. */
function readValue({ value }: Field): string {
  return value.replaceAll("%(process_num)02d", "07");
}

export const supervisorContest = createContest({
  name: "ini:supervisor",
  against: "supervisord's own parser and expansion",
  needsPrograms: true,
  startOracle: () => startPythonIni("supervisor"),
  subject: subjectOf(supervisorIni, {
    print: printIni,
    paths: iniPaths,
    values: hostileValue,
    readValue,
    isLined: true,
  }),
  values: hostileValue,
  frames: [
    ...iniFrames,
    { before: "[include]\nfiles = /nowhere/*.conf\n[s]\nk = ", after: "\nafter = 2\n", path: ["s", "k"] },
  ],
  likely: likelyIni(pieces),
  wild: wildIni(pieces),
  refusesToo: [
    {
      why: "a lone % stops supervisord, and no file should have it, not even in a line that a later one overrides",
      applies: (text) => text.includes("%"),
    },
  ],
  templates: [
    "[s]\nk = {{v.x}}\nlast = 1\n",
    "[s]\nk = {{v.x}} ; c\nlast = 1\n",
    "[s]\nk = a{{v.x}}z\nlast = 1\n",
    "[s]\nk = a {{v.x}}-{{v.x}}\nlast = 1\n",
    '[s]\nk = "{{v.x}}"\nlast = 1\n',
    "[s]\nk = 1\n  a{{v.x}}\nlast = 1\n",
    "; {{v.x}}\n[s]\nlast = 1\n",
    "[s]\nk = 1 ; {{v.x}}\nlast = 1\n",
    "[program:{{v.x}}]\nlast = 1\n",
    '[program:p]\nenvironment = A="1",K={{as "environment" v.x}},Z="3"\nlast = 1\n',
    '[program:p]\nenvironment = K="a{{v.x}}z"\nlast = 1\n',
    '[include]\nfiles = /nowhere\n[program:p]\nenvironment = K={{as "environment" v.x}}\n',
  ],
});
