import fc from "fast-check";
import { cockpitIni } from "../../../src/formats/ini/cockpit.ts";
import { hostileValue, type IniPieces, likelyIni, wildIni } from "../arbitraries.ts";
import type { Contest, Trial } from "../contest.ts";
import { demand, difference, quote, unlessRefused } from "../duel.ts";
import { fold, readCockpitConf } from "../oracles/cockpit-conf.ts";
import { type CockpitService, shownKeys, startCockpitService } from "../oracles/cockpit-ws.ts";
import { keyOf, type Values } from "../reading.ts";

const pieces: IniPieces = {
  sections: ["[WebService]", "[OAuth]", "[webservice] ", "[ WebService ]", "\t[oauth]"],
  keys: ["LoginTitle", "URL", "ErrorParam", "TokenParam", "loginTITLE", "  URL", "other-key"],
  delimiters: ["=", " = ", "\t=\t", "=\v", " =\f"],
  values: ["x", " ", "two words", "%", "; c", " # c", '"q"', "\t", "\u2003", "\\", "="],
  others: ["#c", " # c", "", "\t", "\f"],
  broken: ["[", "[]", "key", "= x", "  more", "; c", "a_b = 1", "URL: 1", "[a]b]", "\u00a0"],
};

/** The real service, on a sample: its parser written again takes the bulk in ini:cockpit. */
export const cockpitServiceContest: Contest = {
  name: "ini:cockpit-ws",
  against: "the real cockpit-ws, and its parser written again; a sample",
  needsPrograms: true,
  start: async () => {
    const service = await startCockpitService();
    return { trials: [valuesTrial(service), documentsTrial(service)], stop: service.stop };
  },
};

/** Each value is refused, or is exactly what the service has. */
function valuesTrial(service: CockpitService): Trial {
  let telling = 0;
  const values = hostileValue.filter((value) => value.length < 1000);
  const property = fc.asyncProperty(fc.tuple(...shownKeys.map(() => values)), async (some) => {
    const written = shownKeys.flatMap((path, index) => {
      const value = some[index] ?? "";
      const text = unlessRefused(["UNREPRESENTABLE"], () => cockpitIni.write(value));
      return text === undefined ? [] : [{ path, value, text }];
    });
    // Without a URL the page does not show the rest of its section.
    if (!written.some(({ path: [, key] }) => key === "URL"))
      written.push({ path: ["OAuth", "URL"], value: "u", text: "u" });
    const lines = (section: string) =>
      written.filter(({ path }) => path[0] === section).map(({ path: [, key], text }) => `${key} = ${text}\n`);
    const text = ["WebService", "OAuth"].map((section) => `[${section}]\n${lines(section).join("")}`).join("");
    const expected = new Map(written.map(({ path, value }) => [keyOf(path), value]));
    const differs = difference(expected, await service.read(text), ["we wrote", "cockpit-ws has"]);
    demand(differs === undefined, () => `${differs} in ${quote(text)}`);
    telling += written.length;
  });
  return { name: "values", share: 0.02, batch: shownKeys.length, property, telling: () => telling };
}

/** Of any text, the parser written again says what the service reads. */
function documentsTrial(service: CockpitService): Trial {
  let telling = 0;
  const property = fc.asyncProperty(fc.oneof(likelyIni(pieces), wildIni(pieces)), async (text) => {
    const theirs = await service.read(text);
    const differs = difference(shown(readCockpitConf(text)?.fields ?? new Map()), theirs, [
      "the rules give",
      "cockpit-ws has",
    ]);
    demand(differs === undefined, () => `${differs} in ${quote(text)}`);
    if (theirs.size > 0) telling++;
  });
  return { name: "documents", share: 0.005, property, telling: () => telling };
}

/** What of a reading the login page shows. */
function shown(values: Values): Values {
  const found = shownKeys.flatMap((path) => {
    const value = values.get(keyOf(path.map(fold)));
    return value === undefined ? [] : [[keyOf(path), value] as const];
  });
  return new Map(
    values.has(keyOf(["oauth", "url"])) ? found : found.filter(([key]) => key === keyOf(["WebService", "LoginTitle"])),
  );
}
