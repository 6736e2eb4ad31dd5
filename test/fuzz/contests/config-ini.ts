import fc from "fast-check";
import { editConfigIni, readConfigIni } from "../../../src/formats/ini/config-ini.ts";
import { hostileValue, likelyIni, wildIni } from "../arbitraries.ts";
import { createContest, type Duel, type Subject } from "../duel.ts";
import { startPythonIni } from "../oracles/python.ts";
import { keyOf, type Oracle } from "../reading.ts";
import { iniFrames, iniPaths } from "./ini-pieces.ts";
import { pythonPieces } from "./python-ini.ts";

const subject: Subject = {
  read: (text) => new Map(readConfigIni(text).map(({ path, value }) => [keyOf(path), value])),
  put: ({ before, after, path }, value) => editConfigIni(`${before}old${after}`, [{ path, value }]),
  merge: {
    paths: iniPaths,
    values: fc.oneof(fc.constantFrom("x", "", "two words"), hostileValue),
    merge: (existing, wanted, gone) =>
      editConfigIni(existing, [...wanted, ...gone.map((path) => ({ path, value: undefined }))]),
    places: (text) => readConfigIni(text).map(({ path, start, end }) => ({ key: keyOf(path), start, end })),
  },
};

const duel: Duel = {
  name: "config.ini",
  against: "Python's configparser, taking a lone % literally and no byte order mark",
  needsPrograms: true,
  startOracle: withoutMark,
  subject,
  values: hostileValue,
  frames: iniFrames.filter(({ before }) => !before.includes("\r")),
  likely: likelyIni(pythonPieces),
  wild: wildIni(pythonPieces),
  refusesToo: [{ why: "a NUL byte says that this is no text file", applies: (text) => text.includes("\0") }],
};

export const configIniContest = createContest(duel);

/** Editors of Windows put a mark before the file, which Python then takes for a part of its first line. */
async function withoutMark(): Promise<Oracle> {
  const oracle = await startPythonIni("config");
  return { ...oracle, read: (text) => oracle.read(text.replace(/^\ufeff/, "")) };
}
