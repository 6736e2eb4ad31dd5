import type { Format } from "../format.ts";
import { aloneBehind, createIniFormat, identifyExactly } from "./dialect.ts";
import { rootSection, scanGo } from "./go-lines.ts";
import { parseTemplate, referencesOf } from "./interpolation.ts";
import { unrepresentable } from "./refusal.ts";

/**
 * Gitea's app.ini: go-ini v1.67 with Gitea's load options. Keys before any section are the section `DEFAULT`. What stands in
 * a section is read; what `[a.b]` inherits from `[a]` is not.
 */
const ini = createIniFormat({
  dialect: {
    name: "ini:gitea",
    scan: scanGo,
    identify: identifyExactly,
    root: [rootSection],
    continuesByIndent: false,
  },
  alone: aloneBehind("=:", true),
  spell,
  partProblem: (value) => {
    if (/[#;`"'\r\n]/.test(value)) return "has a quote, a backtick, #, ; or a line break";
    if (value.includes("%(") || value.endsWith("%")) return "could become a %(name)s";
    return undefined;
  },
  spellPart: (value) => value,
  hint: 'Choose a value without backticks, line breaks, and " at its ends',
});

export const giteaIni: Format = {
  ...ini,
  write: (value) => {
    // go-ini resolves %(name)s inside every kind of quote, and knows no escape.
    if (referencesOf(parseReferences(value)).length > 0) {
      throw unrepresentable(
        "go-ini replaces %(name)s in a value and has no escape for it",
        "Choose a value without it",
      );
    }
    return ini.write(value);
  },
};

/** go-ini has no `%%`: in `%%(a)s` the second `%` begins a reference. */
function parseReferences(value: string): ReturnType<typeof parseTemplate> {
  return parseTemplate(value.replaceAll(/%+/g, "%"));
}

/** Bare where nothing needs protection, else in backticks, else in `"""`. A `"` next to `"""` is not sure to survive. */
function spell(value: string): string[] {
  if (!/[#;`"'\r\n]/.test(value)) return [value, `\`${value}\``];
  if (!value.includes("`")) return [`\`${value}\``];
  return value.includes('"""') || /^"|"$/.test(value) ? [] : [`"""${value}"""`];
}
