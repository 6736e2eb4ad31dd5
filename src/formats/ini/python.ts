import type { Field, Format } from "../format.ts";
import { aloneBehind, createIniFormat, identifyExactly } from "./dialect.ts";
import { type Document, isPair, type Pair } from "./document.ts";
import { createBudget, interpolate, parseTemplate, type Template, withReferred } from "./interpolation.ts";
import { defaultSection, scanPython } from "./python-lines.ts";
import { parseFailed } from "./refusal.ts";

/**
 * Files that Python reads with `configparser.ConfigParser()`: `%` is special, nothing is quoted, keys are lower-cased.
 * A value that cannot be interpolated (a logger's `%(message)s`) is given as it stands: Python loads such a file, and
 * whoever wants the value asks for it raw.
 */
export const pythonIni: Format = createIniFormat({
  dialect: {
    name: "ini:python",
    scan: scanStrict,
    identify: identifyExactly,
    continuesByIndent: true,
  },
  alone: aloneBehind("=:", false),
  spell: (value) => [spellPython(value)],
  partProblem: (value) => (/[\r\n]/.test(value) ? "has a line break" : undefined),
  spellPart: escapePercent,
  fields: interpolatedFields,
  hint: "Choose a value without white space at its ends, and without lines that begin with # or ;",
});

/** `%` doubled, further lines indented. */
export function spellPython(value: string): string {
  return escapePercent(value).replaceAll("\n", "\n\t");
}

export function escapePercent(value: string): string {
  return value.replaceAll("%", "%%");
}

function scanStrict(text: string): Document {
  if (text.startsWith("\uFEFF")) {
    throw parseFailed("Python refuses a byte order mark", { line: 1, column: 1 }, "Save the file without it");
  }
  return scanPython(text, { inlineComments: false, strict: true });
}

function interpolatedFields(document: Document): readonly Field[] {
  const pairs = document.lines.filter(isPair);
  const sections = templatesBySection(pairs);
  const defaults = sections.get(defaultSection) ?? new Map<string, Template>();
  const budget = createBudget();
  const values = new Map<string, ReadonlyMap<string, string>>();
  for (const [section, own] of sections) {
    // Most sections have no % at all: their literals are their values.
    if ([...own.values()].every(({ isPlain }) => isPlain)) continue;
    values.set(section, interpolate(withReferred(own, defaults, budget), budget, "refused"));
  }
  return pairs.map(({ path, literal, value, number }) => {
    const [section = "", key = ""] = path;
    return { path, value: values.get(section)?.get(key) ?? literal, ...value, line: number };
  });
}

function templatesBySection(pairs: readonly Pair[]): Map<string, Map<string, Template>> {
  const sections = new Map<string, Map<string, Template>>();
  for (const { path, literal } of pairs) {
    const [section = "", key = ""] = path;
    const templates = sections.get(section) ?? new Map<string, Template>();
    sections.set(section, templates.set(key, parseTemplate(literal)));
  }
  return sections;
}
