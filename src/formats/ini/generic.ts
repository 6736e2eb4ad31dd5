import type { Format } from "../format.ts";
import { aloneBehind, createIniFormat, identifyExactly } from "./dialect.ts";
import { scanNpm } from "./npm-lines.ts";

/**
 * INI as npm `ini` reads it: the dialect for programs that use that package or one like it. Dots nest sections, `key[]`
 * makes lists (their items are paths with a number at the end), `#` and `;` begin comments anywhere. The words true, false
 * and null are typed to that reader; they are read and written as these words.
 */
export const genericIni: Format = createIniFormat({
  dialect: {
    name: "ini:generic",
    scan: scanNpm,
    identify: identifyExactly,
    root: [],
    continuesByIndent: false,
  },
  alone: aloneBehind("=", true),
  spell: (value) => [value, value.replace(/[\\;#]/g, "\\$&"), quote(value)],
  partProblem: (value) =>
    /[\\;#"'\x00-\x1f\u2028\u2029]/.test(value) ? "has a quote, \\, #, ; or a control character" : undefined,
  spellPart: (value) => value,
  hint: "Choose another value",
});

/** JSON, with the line separators escaped that would end npm ini's line. */
function quote(value: string): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`);
}
