import { formatPath, type Path } from "../../config/path.ts";
import type { Format } from "../format.ts";
import { aloneBehind, createIniFormat } from "./dialect.ts";
import { createDocument, type Document, isPair, type Line, type Pair, splitLines } from "./document.ts";
import { defaultSection, scanPython } from "./python-lines.ts";
import { parseFailed, shownName } from "./refusal.ts";
import { isCSpace, isPythonSpace, trimSlice } from "./whitespace.ts";

/**
 * cockpit.conf has two readers: cockpit-ws (C, line by line, throws the whole file away at one line that it does not know)
 * and the bridge (Python's configparser without interpolation, strict). Only a text that both read alike is read at all.
 */
export const cockpitIni: Format = createIniFormat({
  dialect: { name: "ini:cockpit", scan: scanCockpit, identify: foldCase, continuesByIndent: false },
  alone: aloneBehind("=", false),
  spell: (value) => (trimPython(value) === value ? [value] : []),
  partProblem: (value) => (/[\r\n]/.test(value) ? "has a line break" : undefined),
  spellPart: (value) => value,
  hint: "Choose a value of one line, without white space at its ends",
});

/** cockpit-ws compares with strcasecmp: ASCII only. */
function foldCase(path: Path): string {
  return formatPath(path).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function scanCockpit(text: string): Document {
  if (text.startsWith("\uFEFF")) throw refuse("a byte order mark stands before it", 1, 1, "Save the file without it");
  const lines: Line[] = [];
  const spellings = new Map<string, number>();
  let section: Path | undefined;
  for (const { start, end, next, number } of splitLines(text, "\n")) {
    const span = { start, end: next, number };
    const foreign = text.slice(start, next).search(/[\r\0]/);
    if (foreign >= 0) {
      throw refuse("a carriage return or NUL spoils the value", number, foreign + 1, "Save the file as text with LF");
    }
    const content = trimSlice(text, { start, end }, isCSpace);
    const written = text.slice(content.start, content.end);
    const indent = content.start - start;
    const header = /^\[([^[\]\x00-\x1f\x7f]+)\]$/.exec(written);
    const key = /^([A-Za-z0-9-]+)[ \t\v\f]*=/.exec(written);
    if (header !== null) {
      section = [header[1] ?? ""];
      refuseSecondSection(spellings, section, number);
      lines.push({ kind: "section", section, name: content, ...span });
    } else if (key !== null) {
      if (section === undefined)
        throw refuse("the key stands before any section", number, indent + 1, "Put it below one");
      const keySlice = { start: content.start, end: content.start + (key[1] ?? "").length };
      // Blanks at the end are part of the value for cockpit-ws, and not for the bridge.
      const value = { start: trimSlice(text, { start: content.start + key[0].length, end }, isCSpace).start, end };
      const literal = text.slice(value.start, value.end);
      const path = [...section, key[1] ?? ""];
      lines.push({ kind: "pair", section, path, key: keySlice, value, literal, ...span });
    } else if (written === "" || written.startsWith("#")) {
      lines.push({ kind: written === "" ? "blank" : "comment", ...span });
    } else {
      const hint = written.startsWith(";")
        ? "Begin comments with #"
        : "Write Key = value, the key of letters, digits and -";
      throw refuse("cockpit-ws discards the whole file for this line", number, indent + 1, hint);
    }
  }
  const document = createDocument(text, lines);
  compareWithBridge(document);
  return document;
}

function refuseSecondSection(spellings: Map<string, number>, [name = ""]: Path, line: number): void {
  const before = spellings.get(foldCase([name]));
  if (before !== undefined) {
    throw refuse(`section ${shownName(name)} stands twice, also in line ${before}`, line, 1, "Make them one");
  }
  if (name === defaultSection) {
    throw refuse("the bridge takes [DEFAULT] for defaults of all sections", line, 1, "Name the section that is meant");
  }
  spellings.set(foldCase([name]), line);
}

function compareWithBridge(document: Document): void {
  const bridge = scanPython(document.text, { inlineComments: false, strict: true }).lines.filter(isPair);
  document.lines.filter(isPair).forEach((pair, index) => {
    const seen = bridge[index];
    if (seen !== undefined && isSame(pair, seen)) return;
    const line = culpritOf(document, pair, seen);
    const hint = "Begin each section and key in the first column, and write each value on one line";
    throw refuse("cockpit-ws and the bridge read this differently", line, 1, hint);
  });
}

/** A key or section that is indented continues the value before it, to the bridge: that line is the one to mend. */
function culpritOf(document: Document, pair: Pair, seen: Pair | undefined): number {
  if (seen === undefined || seen.number !== pair.number || seen.end <= pair.end) return pair.number;
  return document.lines.find((line) => line.start >= pair.end && "section" in line)?.number ?? pair.number;
}

function isSame({ number, path, literal }: Pair, seen: Pair): boolean {
  return (
    seen.number === number &&
    seen.path[0] === path[0] &&
    seen.path[1] === path[1]?.toLowerCase() &&
    !isPythonSpace(literal.charCodeAt(0)) &&
    seen.literal === trimPython(literal)
  );
}

function trimPython(value: string): string {
  const { start, end } = trimSlice(value, { start: 0, end: value.length }, isPythonSpace);
  return value.slice(start, end);
}

function refuse(what: string, line: number, column: number, hint: string): Error {
  return parseFailed(what, { line, column }, hint);
}
