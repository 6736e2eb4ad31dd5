import { pythonIni } from "../../../src/formats/ini/python.ts";
import { hostileValue, type IniPieces, likelyIni, wildIni } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { startPythonIni } from "../oracles/python.ts";
import { printIni, subjectOf } from "../subject.ts";
import { iniFrames, iniPaths } from "./ini-pieces.ts";

export const pythonPieces: IniPieces = {
  sections: ["[s]", "[t]", "[s.t]", "[DEFAULT]", "[ s ]", "[a]b] # c", "[S] ; c"],
  keys: ["a", "b", "C", "long-key", "d e", "  a", "#f", "\u2003g", "İ"],
  delimiters: ["=", " = ", ":", ": ", "\t=\t", "=\n  ", " =\r\n\t"],
  values: [
    "x",
    " ",
    "two words",
    "%%",
    "%(a)s",
    "%(B)s",
    "%(fresh)s",
    "50%",
    "%",
    "; c",
    " # c",
    '"q"',
    "\n  more",
    "\n\n  ",
  ],
  others: ["  more", "\tmore = 1", " ; c", "  # c", "\x1c", " \u00a0", "[x=1"],
  broken: ["[", "[]", "key", "= x", "\u2028x = 1", "rem x", "\u0085"],
};

const frames = iniFrames;

/** Values that Python cannot interpolate are given as they stand, which is what its raw reading gives. */
export const pythonIniContest = createContest({
  name: "ini:python",
  against: "Python's configparser",
  needsPrograms: true,
  startOracle: () => startPythonIni("python"),
  subject: subjectOf(pythonIni, { print: printIni, paths: iniPaths, values: hostileValue, isLined: true }),
  values: hostileValue,
  frames,
  likely: likelyIni(pythonPieces),
  wild: wildIni(pythonPieces),
  templates: [
    "[s]\nk = {{v.x}}\nlast = 1\n",
    "[s]\nk = a{{v.x}}z\nlast = 1\n",
    '[s]\nk = "{{v.x}}"\nlast = 1\n',
    "[s]\nk = {{v.x}}-{{v.x}}\nlast = 1\n",
    "[s]\nk = 1\n  a{{v.x}}\nlast = 1\n",
    "[s]\n# {{v.x}}\nlast = 1\n",
    "[s]\nk = 1 # a{{v.x}}\nlast = 1\n",
    "[{{v.x}}]\nlast = 1\n",
    "[s]\n{{v.x}} = 1\nlast = 1\n",
    "[s]\nk{{v.x}} = 1\nlast = 1\n",
    "[s]\nk = {{v.x}}\n[t]\nlast = 1\n",
  ],
});
