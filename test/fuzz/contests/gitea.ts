import { giteaIni } from "../../../src/formats/ini/gitea.ts";
import { hostileValue, type IniPieces, likelyIni, wildIni } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { readGoIni } from "../oracles/go-ini.ts";
import { pureOracle } from "../reading.ts";
import { printIni, subjectOf } from "../subject.ts";
import { iniFrames, iniPaths } from "./ini-pieces.ts";

export const giteaPieces: IniPieces = {
  sections: ["", "[s]", "[t]", "[s.t]", "[s.t.u]", "[DEFAULT]", "[ s ]", "[s] # ] c", "[S] ; c", "  [t]"],
  keys: ["a", "b", "C", "long-key", "-", "a[]", '"d e"', "`f=f`", '"""g:g"""', "  a", "\u2003h", "\u0085i"],
  delimiters: ["=", " = ", ":", ": ", "\t=\t"],
  values: [
    "x",
    " ",
    "two words",
    '"',
    "'",
    "``",
    "`x`",
    '"""y"""',
    "#",
    ";",
    " # c",
    "\\",
    "%(a)s",
    "%%(b)s",
    "`m\nn`",
    "\ufeff",
  ],
  others: ["; c", " ; c", "k = `m\nn` ; c", 'k = """m\nn"""', "[x] ; c", "\u00a0"],
  broken: ["key", "= x", "[", "[]", "``=1", '"k', '"""k = 1', "a = `open", 'a = """open', "rem x", " ]", "`", '"""'],
};

export const giteaContest = createContest({
  name: "ini:gitea",
  against: "go-ini v1.67 as Gitea loads it, written again",
  needsPrograms: false,
  startOracle: pureOracle(readGoIni),
  subject: subjectOf(giteaIni, { print: printIni, paths: iniPaths, values: hostileValue, isLined: true }),
  values: hostileValue,
  frames: [...iniFrames, { before: "[s]\n\tk : ", after: "  \n before=1", path: ["s", "k"] }],
  likely: likelyIni(giteaPieces),
  wild: wildIni(giteaPieces),
  templates: [
    "[s]\nk = {{v.x}}\nlast = 1\n",
    "[s]\nk = {{v.x}} ; c\nlast = 1\n",
    "[s]\nk = a{{v.x}}z\nlast = 1\n",
    "[s]\nk = {{v.x}}{{v.x}}\nlast = 1\n",
    '[s]\nk = "{{v.x}}"\nlast = 1\n',
    "[s]\nk = `{{v.x}}`\nlast = 1\n",
    '[s]\nk = """a\n{{v.x}}"""\nlast = 1\n',
    "[s]\nk = '{{v.x}}\nlast = 1\n",
    "[s]\nk = 1 # {{v.x}}\nlast = 1\n",
    "; {{v.x}}\n[s]\nlast = 1\n",
    "[{{v.x}}]\nlast = 1\n",
    "[s]\n{{v.x}} = 1\nlast = 1\n",
    "[s]\n`{{v.x}}` = 1\nlast = 1\n",
  ],
});
