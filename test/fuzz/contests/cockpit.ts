import { cockpitIni } from "../../../src/formats/ini/cockpit.ts";
import { hostileValue, type IniPieces, likelyIni, wildIni } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { fold, readCockpitConf } from "../oracles/cockpit-conf.ts";
import { startPythonIni } from "../oracles/python.ts";
import { keyOf, type Oracle, pathOf, plainReading, type Values } from "../reading.ts";
import { printIni, subjectOf } from "../subject.ts";
import { iniFrames, iniPaths } from "./ini-pieces.ts";

const pieces: IniPieces = {
  sections: ["[s]", "[t]", "[WebService]", "[ s ]", "[u]  ", "[S-v]"],
  keys: ["a", "B", "long-key", "c", "D", "1"],
  delimiters: ["=", " = ", "\t=\t", "=\v"],
  values: ["x", " ", "two words", "%", "; c", " # c", '"q"', "\t", "\u2003", "\u0085", "="],
  others: ["#c", " # c", "", "\t", "\f"],
  broken: [
    "[",
    "[]",
    "key",
    "= x",
    "  more",
    "\tmore = 1",
    " ; c",
    "\u00a0",
    "a_b = 1",
    "c: 1",
    "[DEFAULT]",
    "  [t]",
    "  a = 1",
  ],
};

export const cockpitContest = createContest({
  name: "ini:cockpit",
  against: "cockpit-ws's parser written again, and the bridge's configparser",
  needsPrograms: true,
  startOracle: startBoth,
  subject: subjectOf(cockpitIni, {
    print: printIni,
    paths: iniPaths,
    values: hostileValue,
    identify: (path) => path.map(fold),
    isLined: true,
  }),
  values: hostileValue,
  frames: iniFrames.filter(({ before }) => !before.includes("\r")),
  likely: likelyIni(pieces),
  wild: wildIni(pieces),
  refusesToo: [
    { why: "a carriage return, though both would take it for white space", applies: (text) => /[\r\0]/.test(text) },
    { why: "the bridge takes [DEFAULT] for defaults of all sections", applies: (text) => text.includes("[DEFAULT]") },
  ],
  templates: [
    "[s]\nk = {{v.x}}\nlast = 1\n",
    "[s]\nk = a{{v.x}}z\nlast = 1\n",
    "[s]\nk = https://{{v.x}} {{v.x}}/\nlast = 1\n",
    "# {{v.x}}\n[s]\nlast = 1\n",
    "[{{v.x}}]\nlast = 1\n",
    "[s]\n{{v.x}} = 1\nlast = 1\n",
  ],
});

/** Only what both read alike counts, but for white space behind a value, which the bridge drops. */
async function startBoth(): Promise<Oracle> {
  const bridge = await startPythonIni("bridge");
  return {
    stop: bridge.stop,
    read: async (text) => {
      const service = readCockpitConf(text)?.fields;
      const other = (await bridge.read(text))?.fields;
      if (service === undefined || other === undefined || !agree(service, other)) return undefined;
      return plainReading(service);
    },
  };
}

/** str.isspace. */
const pythonSpace = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const endSpaces = new RegExp(`${pythonSpace}+$`);
const firstSpace = new RegExp(`^${pythonSpace}`);

function agree(service: Values, bridge: Values): boolean {
  const folded = new Map([...bridge].map(([key, value]) => [keyOf(pathOf(key).map(fold)), value]));
  if (folded.size !== bridge.size || service.size !== bridge.size) return false;
  return [...service].every(
    ([key, value]) => folded.get(key) === value.replace(endSpaces, "") && !firstSpace.test(value),
  );
}
