import type { Path } from "../../config/path.ts";
import type { Dialect } from "./dialect.ts";
import { type Document, type Header, indentOf, isPair, type Pair, separatorOf } from "./document.ts";

/** A key to set, everything as it is to be written. */
export interface Setting {
  readonly path: Path;
  readonly section: Path;
  /** The header for a section that is not there yet: `[server]`. */
  readonly header: string;
  readonly key: string;
  /** Used where no pair of the file shows how the file writes them. */
  readonly separator: string;
  readonly value: string;
}

export interface Edits {
  readonly set: readonly Setting[];
  /** Identities of the keys to remove, with all their duplicates. */
  readonly remove: ReadonlySet<string>;
}

interface Patch {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text with the keys set and removed, every other byte as it was. A key that is there changes where its last, effective
 * occurrence stands; a new one goes behind the last pair of its section, spaced as its neighbours; a new section to the end.
 */
export function editDocument(dialect: Dialect, document: Document, { set, remove }: Edits): string {
  const pairs = document.lines.filter(isPair);
  const effective = new Map(pairs.map((pair) => [dialect.identify(pair.path), pair]));
  const isRemoved = (pair: Pair): boolean => remove.has(dialect.identify(pair.path));
  const patches: Patch[] = pairs.filter(isRemoved).map(({ start, end }) => ({ start, end, text: "" }));
  const additions = new Map<string, Setting[]>();
  for (const setting of set) {
    const pair = effective.get(dialect.identify(setting.path));
    if (pair !== undefined) patches.push(replaceValue(dialect, document, pair, setting));
    else pushTo(additions, dialect.identify(setting.section), setting);
  }
  const staying = { ...document, lines: document.lines.filter((line) => !isPair(line) || !isRemoved(line)) };
  return applyPatches(document.text, [...patches, ...addPairs(dialect, staying, additions)]);
}

function replaceValue(dialect: Dialect, document: Document, pair: Pair, { value, separator }: Setting): Patch {
  const written = separatorOf(document, pair);
  const lead = written === "" ? separator : /\s[=:]$/.test(written) && value !== "" ? " " : "";
  return { ...pair.value, text: lead + shape(dialect, document, value, indentOf(document, pair)) };
}

/** Where values continue on indented lines, these must be deeper than their key, and end as the lines of the file do. */
function shape(dialect: Dialect, { newline }: Document, value: string, indent: string): string {
  return dialect.continuesByIndent ? value.replace(/\r\n|\n|\r/g, () => newline + indent) : value;
}

function addPairs(dialect: Dialect, document: Document, additions: ReadonlyMap<string, readonly Setting[]>): Patch[] {
  const anchors = findAnchors(dialect, document);
  const style = styleOf(document, document.lines.findLast(hasDelimiter));
  const root = dialect.root && dialect.identify(dialect.root);
  const patches: Patch[] = [];
  // Behind everything else: a key that is added to the last section goes to the very place where a new section begins.
  const newSections: Patch[] = [];
  let blankBefore = document.text.length > document.start && document.lines.at(-1)?.kind !== "blank";
  for (const [section, settings] of additions) {
    const anchor = anchors.get(section);
    const indent = anchor === undefined ? "" : indentOf(document, anchor);
    const near = (anchor?.kind === "pair" ? styleOf(document, anchor) : undefined) ?? style;
    const lines = settings.map(
      ({ key, separator, value }) => `${indent}${key}${near ?? separator}${shape(dialect, document, value, indent)}`,
    );
    if (anchor !== undefined) patches.push(insertAt(document, anchor.end, lines));
    else if (section === root) patches.push(insertAtTop(document, lines));
    else {
      const [first] = settings;
      const gap = blankBefore ? [""] : [];
      newSections.push(
        insertAt(document, document.lines.at(-1)?.end ?? document.start, [...gap, first?.header ?? "", ...lines]),
      );
      blankBefore = true;
    }
  }
  return [...patches, ...newSections];
}

/** The line behind which a new key of a section goes: its last pair, or else its last header. */
function findAnchors(dialect: Dialect, { lines }: Document): Map<string, Header | Pair> {
  const anchors = new Map<string, Header | Pair>();
  for (const line of lines) {
    if (line.kind !== "pair" && line.kind !== "section") continue;
    const section = dialect.identify(line.section);
    if (line.kind === "pair" || anchors.get(section)?.kind !== "pair") anchors.set(section, line);
  }
  return anchors;
}

function hasDelimiter(line: Document["lines"][number]): line is Pair {
  return isPair(line) && line.key.end < line.value.start;
}

/** `=`, ` = `, `: ` as a pair of the file has it; columns that someone aligned by hand become a single space. */
function styleOf(document: Document, pair: Pair | undefined): string | undefined {
  const match = pair && /^(\s*)([=:])(\s*)$/.exec(separatorOf(document, pair));
  if (!pair || !match) return undefined;
  const isEmpty = pair.value.start === pair.value.end;
  const before = match[1] === "" ? "" : " ";
  return `${before}${match[2]}${match[3] !== "" || (isEmpty && before !== "") ? " " : ""}`;
}

/** Whole lines at the end of a line. A last line without an ending stays without one, whatever becomes the last. */
function insertAt({ text, newline }: Document, offset: number, lines: readonly string[]): Patch {
  const isOpenEnd = offset === text.length && text !== "" && !/[\n\r\uFEFF]$/.test(text);
  const block = lines.join(newline);
  return { start: offset, end: offset, text: isOpenEnd ? newline + block : block + newline };
}

/** Keys before any section: behind the comment that heads the file, if a blank line ends it. */
function insertAtTop(document: Document, block: readonly string[]): Patch {
  const { lines, start } = document;
  const firstOther = lines.findIndex((line) => line.kind !== "comment");
  const heading = firstOther > 0 && lines[firstOther]?.kind === "blank" ? lines[firstOther] : undefined;
  const offset = heading?.end ?? start;
  const following = lines.find((line) => line.start >= offset);
  const gap = following === undefined || following.kind === "blank" ? [] : [""];
  return insertAt(document, offset, [...block, ...gap]);
}

function applyPatches(text: string, patches: readonly Patch[]): string {
  const pieces: string[] = [];
  let position = 0;
  for (const patch of patches.toSorted((a, b) => a.start - b.start)) {
    pieces.push(text.slice(position, Math.max(position, patch.start)), patch.text);
    position = Math.max(position, patch.end);
  }
  return pieces.join("") + text.slice(position);
}

function pushTo<T>(map: Map<string, T[]>, key: string, item: T): void {
  const items = map.get(key);
  if (items === undefined) map.set(key, [item]);
  else items.push(item);
}
