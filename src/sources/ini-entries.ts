import { holdsSealed, type Key } from "../config/encryption.ts";
import type { Entry } from "../config/layers.ts";
import type { PathTest } from "../config/pattern.ts";
import { Secret } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Field } from "../formats/format.ts";
import { readConfigIni } from "../formats/ini/config-ini.ts";
import { openValue, type Sealing } from "./sealed.ts";

export interface EntryOptions {
  /** As shown to people: `config.ini`. */
  readonly name: string;
  readonly secretPaths: PathTest;
  readonly sealing?: Sealing | undefined;
}

/** With the keys of this one reading. */
interface Reading extends EntryOptions {
  readonly keys: readonly Key[];
}

/** A section with its header and all up to the next one. */
interface Section {
  /** The line of its header, from 1. */
  readonly line: number;
  readonly lineCount: number;
  readonly entries: readonly Entry[];
}

/**
 * Reads the text of config.ini or system.ini again and again. A section that did not change since the last time is not parsed
 * anew: of a file with 2,000 keys, of which one changes, that saves nine tenths of the time.
 *
 * Throws SOURCE_INVALID with file, line and column; KEY_UNUSABLE where sealed values wait for a key.
 */
export function createEntryReader(options: EntryOptions): (text: string) => readonly Entry[] {
  let known: ReadonlyMap<string, Section> = new Map();
  let keys: readonly Key[] = [];
  return (text) => {
    const present = (holdsSealed(text) && options.sealing?.keys?.()) || none;
    // What was opened with other keys is not taken for granted.
    if (present !== keys) known = new Map();
    keys = present;
    const reading = { ...options, keys };
    const sections = splitSections(text);
    try {
      if (sections !== undefined) {
        known = readSections(sections, known, reading);
        return [...known.values()].flatMap(({ entries }) => entries);
      }
    } catch (error) {
      // Told below with its place in the whole file.
      if (!(error instanceof ConfigSyncError)) throw error;
    }
    known = new Map();
    return readEntries(text, reading);
  };
}

const none: readonly Key[] = [];

/**
 * The text in pieces that can be read one by one. Undefined when one could mean something for another: there are keys for all
 * sections, a name stands twice, a header may be hidden behind white space, or there are references, which have one limit for
 * the whole file. It is then read as a whole.
 */
function splitSections(text: string): readonly string[] | undefined {
  if (text.includes("%(") || indentedBracket.test(text)) return undefined;
  const sections = text.split(betweenSections);
  const names = new Set(sections.map((section) => header.exec(section)?.[1]));
  return names.size < sections.length || names.has(defaultSection) ? undefined : sections;
}

// A `[` at the very start of a line never continues the value above it. Without its `]` it would be a key, not a header.
const betweenSections = /(?<=[\r\n])(?=\[[^\r\n]+\])/;
const header = /^\[([^\r\n]+)\]/;
const defaultSection = "DEFAULT";

// JavaScript's white space, a byte order mark included, and what Python takes for such besides.
const indentedBracket = /(?:^|[\r\n])(?:[^\S\r\n]|[\x1c-\x1f\x85])+\[/;

function readSections(
  texts: readonly string[],
  known: ReadonlyMap<string, Section>,
  options: Reading,
): Map<string, Section> {
  const sections = new Map<string, Section>();
  let line = 1;
  for (const text of texts) {
    const section = moveTo(line, known.get(text) ?? readSection(text, options));
    sections.set(text, section);
    line += section.lineCount;
  }
  return sections;
}

function readSection(text: string, options: Reading): Section {
  // A copy: a part of a string keeps the whole of it in memory, and these values outlive the text that they came from.
  const copy = Buffer.from(text, "utf16le").toString("utf16le");
  return { line: 1, lineCount: text.match(/\r\n|\n|\r/g)?.length ?? 0, entries: readEntries(copy, options) };
}

function moveTo(line: number, section: Section): Section {
  const down = line - section.line;
  if (down === 0) return section;
  const entries = section.entries.map(({ path, value, origin }) => {
    return { path, value, origin: { ...origin, line: (origin.line ?? 0) + down } };
  });
  return { ...section, line, entries };
}

function readEntries(text: string, options: Reading): readonly Entry[] {
  return parse(text, options.name).map((field) => toEntry(field, text, options));
}

function parse(text: string, name: string): readonly Field[] {
  try {
    return readConfigIni(text);
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const { message, hint, key, cause } = error;
    throw new ConfigSyncError("SOURCE_INVALID", message, { place: { ...error.place, file: name }, hint, key, cause });
  }
}

function toEntry({ path, value, line, start }: Field, text: string, options: Reading): Entry {
  const { name, secretPaths, sealing = unsealed, keys } = options;
  const origin = { source: name, file: name, line, column: columnOf(text, start) };
  try {
    const opened = openValue(value, path, sealing, keys);
    if (opened !== undefined) return { path, value: new Secret(opened), origin };
  } catch (error) {
    throw error instanceof ConfigSyncError && error.place.file === undefined ? error.with({ place: origin }) : error;
  }
  return { path, value: secretPaths(path) ? new Secret(value) : value, origin };
}

const unsealed: Sealing = { app: "" };

/** By hand: looking back for a line break that a file does not use would go through the whole file, once for every value. */
function columnOf(text: string, start: number): number {
  let lineStart = start;
  while (lineStart > 0 && text[lineStart - 1] !== "\n" && text[lineStart - 1] !== "\r") lineStart--;
  return start - lineStart + 1;
}
