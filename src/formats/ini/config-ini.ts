import { formatPath, type Path, parsePath } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Field } from "../format.ts";
import { type Dialect, identifyExactly } from "./dialect.ts";
import { type Document, isPair, type Pair } from "./document.ts";
import { editDocument, type Setting } from "./edit.ts";
import {
  type Budget,
  createBudget,
  depthLimit,
  interpolate,
  parseTemplate,
  referencesOf,
  spend,
  type Templates,
} from "./interpolation.ts";
import { pythonIni } from "./python.ts";
import { defaultSection, scanPython } from "./python-lines.ts";
import { parseFailed, unrepresentable } from "./refusal.ts";

/** One change of a key; without a value it is removed. */
export interface ConfigEdit {
  readonly path: Path;
  readonly value: string | undefined;
}

/**
 * Reads config.ini or system.ini: `[section, key]` and value, by the rules of Python's `configparser.ConfigParser()`, which
 * is what such files are written for, with three differences: a `%` that is neither `%%` nor `%(name)s` stands for itself, a
 * byte order mark is skipped, and NUL is refused. The keys of `[DEFAULT]` are given for every section, with the
 * place where they stand.
 *
 * Throws PARSE_FAILED with line and column: duplicates (both lines), lines that are neither section, pair nor comment,
 * references to keys that are not there, in a circle or more than ten deep.
 */
export function readConfigIni(text: string): readonly Field[] {
  return readDocument(scanConfig(text));
}

function readDocument(document: Document): readonly Field[] {
  const { sections, defaults } = groupBySection(document);
  const budget = createBudget();
  return [...sections].flatMap(([section, own]) => fieldsOf(section, own, defaults, budget));
}

/**
 * The text with keys set and removed and every other byte kept. A key whose value is already right stays as it is written.
 * The result is read again: what does not read exactly as asked is UNREPRESENTABLE, with the key. Keys that refer to a
 * changed one by `%(name)s` follow it.
 */
export function editConfigIni(text: string, edits: readonly ConfigEdit[]): string {
  const before = understand(text);
  const asked = new Map(edits.map(({ path, value }) => [formatPath(keyOf(path)), { path: keyOf(path), value }]));
  const changes = [...asked.values()].filter(({ path, value }) => before.values.get(formatPath(path)) !== value);
  const set = changes.flatMap(({ path, value }) => {
    if (value === undefined) return [];
    // What stands there was read from there.
    if (!before.values.has(formatPath(path))) requireName(path);
    return [settingOf(path, value)];
  });
  const remove = new Set(changes.filter(({ value }) => value === undefined).map(({ path }) => formatPath(path)));
  const edited = editDocument(dialect, before.document, { set, remove });
  verify(before, edited, asked);
  return edited;
}

/**
 * The text without a section: its header, its keys and the comments between them. Comments right above the next header belong to
 * that one and stay. A section that is not there is as good. Throws PARSE_FAILED; UNREPRESENTABLE when another section would read
 * otherwise without it.
 */
export function removeSection(text: string, section: string): string {
  const { lines } = scanConfig(text);
  const from = lines.findIndex((line) => line.kind === "section" && line.section[0] === section);
  if (from < 0) return text;
  const next = lines.findIndex((line, index) => index > from && line.kind === "section");
  let to = next < 0 ? lines.length : next;
  if (next >= 0) while (lines[to - 1]?.kind === "comment") to--;
  const [start, end] = [lines[from]?.start ?? 0, lines[to]?.start ?? text.length];
  const edited = text.slice(0, start) + text.slice(end);
  const others = (literals: Map<string, string>) =>
    JSON.stringify([...literals].filter(([key]) => parsePath(key)?.[0] !== section));
  if (others(literalsOf(scanConfig(edited))) !== others(literalsOf(scanConfig(text))))
    throw notSafe(section, undefined);
  return edited;
}

const dialect: Dialect = {
  name: "config.ini",
  scan: scanConfig,
  identify: identifyExactly,
  continuesByIndent: true,
};

function scanConfig(text: string): Document {
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    const lines = text.slice(0, nul).split(/\r\n|\n|\r/);
    const place = { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
    throw parseFailed(
      "the file holds a NUL byte: it is no text file, or was damaged",
      place,
      "Restore it from a backup",
    );
  }
  return scanPython(text, { inlineComments: false, strict: true });
}

/** All sections but `[DEFAULT]`, also those without keys of their own, in the order of the text. */
function groupBySection({ lines }: Document): { sections: ReadonlyMap<string, Pair[]>; defaults: readonly Pair[] } {
  const sections = new Map<string, Pair[]>();
  const defaults: Pair[] = [];
  let current = defaults;
  for (const line of lines) {
    if (isPair(line)) current.push(line);
    else if (line.kind === "section") {
      const [name = ""] = line.section;
      current = name === defaultSection ? defaults : [];
      // It stands only once, or the scan would have refused it.
      if (name !== defaultSection) sections.set(name, current);
    }
  }
  return { sections, defaults };
}

function fieldsOf(section: string, own: readonly Pair[], defaults: readonly Pair[], budget: Budget): Field[] {
  const inherited = withoutOwn(defaults, own);
  // Before anything is made of them: many defaults times many sections is more than a file should cost.
  for (const pair of inherited) spend(budget, pair.literal.length);
  const all = [...own, ...inherited];
  // Most sections have no % at all: their literals are their values.
  if (!all.some(({ literal }) => literal.includes("%"))) {
    return all.map((pair) => fieldOf(pair, section, pair.literal));
  }
  const templates = new Map([...defaults, ...own].map(({ path, literal }) => [path[1] ?? "", parseTemplate(literal)]));
  const values = interpolate(templates, budget, "literal");
  return all.map((pair) => {
    const value = values.get(pair.path[1] ?? "");
    if (value === undefined) throw unresolved(pair, [section, pair.path[1] ?? ""], templates);
    return fieldOf(pair, section, value);
  });
}

function withoutOwn(defaults: readonly Pair[], own: readonly Pair[]): readonly Pair[] {
  if (defaults.length === 0) return [];
  const keys = new Set(own.map(({ path }) => path[1]));
  return defaults.filter(({ path }) => !keys.has(path[1] ?? ""));
}

function fieldOf({ path: [, key = ""], value, number }: Pair, section: string, text: string): Field {
  return { path: [section, key], value: text, start: value.start, end: value.end, line: number };
}

function unresolved(pair: Pair, path: Path, templates: Templates): ConfigSyncError {
  const place = { line: pair.number, column: pair.value.start - pair.start + 1 };
  const template = templates.get(path[1] ?? "");
  const unknown = template && referencesOf(template).find((key) => !templates.has(key));
  const key = formatPath(path);
  if (unknown === undefined) {
    const what = `${key} refers to other keys in a circle, to one that cannot be resolved, or more than ${depthLimit} deep`;
    return parseFailed(what, place, "Write the value itself").with({ key });
  }
  // Not which one: what looks like a name may be a part of a password that was never meant as a reference.
  const hint = "Correct the name behind %(, or write %% where a % is meant";
  return parseFailed(`${key} refers to a key that is not there`, place, hint).with({ key });
}

/** Keys are lower-case to the reader, however the caller spells them. */
function keyOf(path: Path): Path {
  const [section = "", key = ""] = path;
  if (path.length === 2 && section !== defaultSection) return [section, key.toLowerCase()];
  const hint = `Name a section other than ${defaultSection}, and a key in it`;
  throw unrepresentable(`${formatPath(path)} is no key of a section`, hint, formatPath(path));
}

function settingOf(path: Path, value: string): Setting {
  const [section = "", key = ""] = path;
  try {
    const written = pythonIni.write(value);
    return { path, section: [section], header: `[${section}]`, key, separator: " = ", value: written };
  } catch (error) {
    throw error instanceof ConfigSyncError ? error.with({ key: formatPath(path) }) : error;
  }
}

function requireName(path: Path): void {
  const [section = "", key = ""] = path;
  if (isReadAs(`[${section}]\n${key} = value\n`, path)) return;
  const name = formatPath(path);
  throw unrepresentable(`${name} cannot be the name of a key here`, "Use letters, digits, _ and -", name);
}

function isReadAs(text: string, path: Path): boolean {
  try {
    const fields = readConfigIni(text);
    return fields.length === 1 && fields[0] !== undefined && formatPath(fields[0].path) === formatPath(path);
  } catch {
    return false;
  }
}

/** The asked keys must read as asked, and every other key must stand as it stood. */
function verify(before: Understood, edited: string, asked: ReadonlyMap<string, ConfigEdit>): void {
  const first = [...asked.keys()][0] ?? "";
  const after = unlessUnreadable(() => understand(edited), first);
  for (const [id, { value }] of asked) if (after.values.get(id) !== value) throw notSafe(id, value);
  for (const id of new Set([...before.literals.keys(), ...after.literals.keys()])) {
    if (!asked.has(id) && before.literals.get(id) !== after.literals.get(id))
      throw notSafe(id, before.literals.get(id));
  }
}

/** A text with all that an edit asks of it, by written path. */
interface Understood {
  readonly text: string;
  readonly document: Document;
  readonly values: ReadonlyMap<string, string>;
  /** As they stand there, references and all. */
  readonly literals: ReadonlyMap<string, string>;
}

/** Where an edit ended, the next one of the same file begins. */
let latest: Understood | undefined;

function understand(text: string): Understood {
  if (latest?.text === text) return latest;
  const document = scanConfig(text);
  latest = { text, document, values: valuesOf(document), literals: literalsOf(document) };
  return latest;
}

function unlessUnreadable<T>(read: () => T, key: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigSyncError) || error.code !== "PARSE_FAILED") throw error;
    const hint = error.hint ?? "Edit the file by hand";
    throw unrepresentable(`after the change the file could not be read: ${error.message}`, hint, error.key ?? key);
  }
}

function notSafe(key: string, value: string | undefined): ConfigSyncError {
  const hint =
    value === undefined
      ? `Look whether [${defaultSection}] gives it a value`
      : "Look at the lines around the key in the file, and at their indentation";
  return unrepresentable(`the file cannot be changed so that ${key} reads as it should`, hint, key);
}

function valuesOf(document: Document): Map<string, string> {
  return new Map(readDocument(document).map(({ path, value }) => [formatPath(path), value]));
}

function literalsOf({ lines }: Document): Map<string, string> {
  return new Map(lines.filter(isPair).map(({ path, literal }) => [formatPath(path), literal]));
}
