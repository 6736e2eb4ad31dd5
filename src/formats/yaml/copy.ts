import { isAlias, isNode, visit } from "yaml";
import { lineStart, nextLine } from "../text-edits.ts";
import { type YamlMapping, type YamlPair, type YamlText, yamlToJs } from "./read.ts";
import { colonOf, endOfPair, startsOnOwnLine } from "./site.ts";
import { writeYamlFlow, writeYamlKey } from "./write.ts";

/** A value for block style: what goes behind the colon, and the lines below, each with its line break. */
export interface Copy {
  readonly inline: string;
  readonly block: string;
}

/** The value as it stands in the template, its lines moved below a key at `column`. */
export function copyValue(want: YamlText, pair: YamlPair, column: number, lineBreak: string): Copy {
  const { text } = want;
  const { value } = pair;
  if (value === null || needsItsDocument(pair)) return { inline: flowValue(want, value), block: "" };
  const [start, end] = value.range;
  const shift = column - (pair.key.range[0] - lineStart(text, pair.key.range[0]));
  const kind = startsOnOwnLine(text, pair);
  if (kind === "collection") {
    const from = lineStart(text, start);
    if (from <= (colonOf(pair) ?? 0)) return { inline: flowValue(want, value), block: "" };
    return { inline: "", block: moveLines(text.slice(from, endOfPair(text, pair)), shift, lineBreak) };
  }
  if (kind === "scalar") {
    const below = nextLine(text, start);
    const block = moveLines(text.slice(below, Math.max(below, end)), shift, lineBreak);
    return { inline: text.slice(start, below).trimEnd(), block };
  }
  const written = text.slice(start, end);
  return { inline: written === "" || /[\r\n]/.test(written) ? flowValue(want, value) : written, block: "" };
}

/** A whole pair of the mapping, as lines below each other. */
export function copyPair(
  want: YamlText,
  mapping: YamlMapping,
  [key, pair]: readonly [string, YamlPair],
  column: number,
  lineBreak: string,
): string {
  const { text } = want;
  const start = pair.key.range[0];
  const from = lineStart(text, start);
  const ownLines = !mapping.flow && text.slice(from, start).trim() === "" && colonOf(pair) !== undefined;
  if (!ownLines || needsItsDocument(pair)) {
    return `${" ".repeat(column)}${writeYamlKey(key)}: ${flowValue(want, pair.value)}${lineBreak}`;
  }
  return moveLines(text.slice(from, endOfPair(text, pair)), column - (start - from), lineBreak);
}

/** The value on one line, for flow style. */
export function flowValue(want: YamlText, value: YamlPair["value"]): string {
  return writeYamlFlow(yamlToJs(want, value));
}

/** Anchors, aliases and tags mean something only where they were written. */
function needsItsDocument({ value }: YamlPair): boolean {
  let found = false;
  visit(value, (_, node) => {
    if (isNode(node) && (isAlias(node) || node.anchor !== undefined || node.tag !== undefined)) found = true;
    return found ? visit.BREAK : undefined;
  });
  return found;
}

function moveLines(text: string, shift: number, lineBreak: string): string {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const moved = lines.map((line) => {
    if (line === "") return "";
    return shift >= 0 ? " ".repeat(shift) + line : line.replace(new RegExp(`^ {0,${-shift}}`), "");
  });
  return `${moved.join(lineBreak)}${lineBreak}`;
}
