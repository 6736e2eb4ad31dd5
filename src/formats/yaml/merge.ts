import { isAlias, isMap } from "yaml";
import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Field, Merged } from "../format.ts";
import { applyEdits, contentStart, type Edit, lineBreakOf, lineStart, nextLine } from "../text-edits.ts";
import { fieldOf, typedFieldOf, writtenPaths } from "../tree.ts";
import { verifyMerge } from "../verify-merge.ts";
import { copyPair, copyValue, flowValue } from "./copy.ts";
import { endOf, fieldsOfYaml, pairsOf, parseYamlText, type YamlMapping, type YamlPair, type YamlText } from "./read.ts";
import { colonOf, endOfPair, startsOnOwnLine } from "./site.ts";
import { writeYamlKey } from "./write.ts";

interface Merge {
  readonly have: YamlText;
  readonly want: YamlText;
  readonly gone: ReadonlySet<string>;
  readonly stays: (path: Path) => boolean;
  readonly written: Path[];
  /** Leaves of the existing file that became mappings. */
  readonly replaced: Path[];
}

/** What a mapping becomes; an emptied one goes with its key, unless that stays: a key without value would read as null. */
interface Outcome {
  readonly edits: readonly Edit[];
  readonly emptied: boolean;
}

/**
 * Splices the wanted values into the existing text by position; the YAML library would write the whole document anew, in its
 * own spacing. Anchors are safe by the check at the end: an alias elsewhere that would change is a key that is not ours. A mapping that
 * `stays` keeps its key and its comments when the last of its keys goes.
 */
export function mergeYaml(
  existing: string,
  wanted: string,
  gone: readonly Path[],
  stays: (path: Path) => boolean = () => false,
): Merged {
  const have = parseYamlText(existing);
  const want = parseYamlText(wanted);
  const merge: Merge = { have, want, gone: new Set(gone.map(formatPath)), stays, written: [], replaced: [] };
  const wantedRoot = mappingOf(want);
  const root = have.root === null ? undefined : mappingOf(have);
  const edits = root === undefined ? fillEmpty(merge, wantedRoot) : mergeMapping(merge, root, wantedRoot, []).edits;

  const text = applyEdits(existing, edits);
  const known = new Map([have, want].map((yaml) => [yaml.text, yaml]));
  const isEmptied = ({ path, value }: Field): boolean => value === "null" && stays(path);
  const read = (source: string) =>
    fieldsOfYaml(known.get(source) ?? parseYamlText(source), typedFieldOf).filter((field) => !isEmptied(field));
  verifyMerge(read, { existing, wanted, merged: text }, [...gone, ...merge.replaced]);
  return { text, written: merge.written };
}

function mappingOf(yaml: YamlText): YamlMapping | undefined {
  if (yaml.root === null || isMap(yaml.root)) return yaml.root ?? undefined;
  throw yaml.fail("only a YAML mapping can be merged, this is another value", yaml.root.range[0]);
}

function fillEmpty(merge: Merge, wanted: YamlMapping | undefined): Edit[] {
  const { text } = merge.have;
  if (wanted === undefined) return [];
  const lines = copyLines(merge, wanted, [...pairsOf(merge.want, wanted)], 0, []);
  return [insertLines(text, text.length, lines, false)];
}

function mergeMapping(merge: Merge, mapping: YamlMapping, wanted: YamlMapping | undefined, path: Path): Outcome {
  const present = pairsOf(merge.have, mapping);
  const want = wanted === undefined ? new Map<string, YamlPair>() : pairsOf(merge.want, wanted);
  const edits: Edit[] = [];
  const removed = new Map<YamlPair, Path>();
  for (const [key, pair] of present) {
    const at = [...path, key];
    const target = want.get(key);
    if (isMap(pair.value) && (target === undefined || isMap(target.value))) {
      const inner = mergeMapping(merge, pair.value, target?.value as YamlMapping | undefined, at);
      const stays = inner.emptied && target === undefined && merge.stays(at);
      if (stays || !inner.emptied) edits.push(...inner.edits);
      else if (target === undefined) removed.set(pair, at);
      else edits.push(...replaceValue(merge, mapping, pair, target, at));
    } else if (target !== undefined) {
      edits.push(...replaceValue(merge, mapping, pair, target, at));
    } else if (merge.gone.has(formatPath(at))) {
      removed.set(pair, at);
    }
  }
  const added = [...want].filter(([key]) => !present.has(key));
  const level = { mapping, wanted, pairs: [...present.values()], removed, added, path };
  if (mapping.flow) edits.push(...addToFlow(merge, level), ...removeFromFlow(level));
  else edits.push(...addToBlock(merge, level), ...removeFromBlock(merge, level));
  return { edits, emptied: removed.size > 0 && removed.size === present.size && added.length === 0 };
}

function replaceValue(merge: Merge, mapping: YamlMapping, pair: YamlPair, target: YamlPair, path: Path): Edit[] {
  const [old] = fieldsOfYaml(merge.have, typedFieldOf, pair.value);
  const [leaf] = fieldsOfYaml(merge.want, typedFieldOf, target.value);
  if (!isMap(pair.value) && !isMap(target.value) && old?.value === leaf?.value) return [];
  if (isAlias(pair.value) && isMap(target.value)) throw refuse("is an alias, which cannot take keys of its own", path);
  if (!isMap(pair.value) && isMap(target.value)) merge.replaced.push(path);
  merge.written.push(...pathsOf(merge.want, target, path));

  const { text } = merge.have;
  const colon = colonOf(pair);
  const [start, end] = pair.value?.range ?? [endOf(pair.key), endOf(pair.key)];
  if (mapping.flow) {
    const value = flowValue(merge.want, target.value);
    if (colon === undefined) return [{ start, end: start, text: `: ${value}` }];
    return start === end ? [{ start: colon, end: colon, text: ` ${value}` }] : [{ start, end, text: value }];
  }
  if (colon === undefined) throw refuse("is written without a colon", path);
  const keyColumn = pair.key.range[0] - lineStart(text, pair.key.range[0]);
  const { inline, block } = copyValue(merge.want, target, keyColumn, lineBreakOf(text));
  const oldIsBlock = startsOnOwnLine(text, pair);
  if (block === "" && !oldIsBlock) {
    return start === end ? [{ start: colon, end: colon, text: ` ${inline}` }] : [{ start, end, text: inline }];
  }
  if (pair.value !== null && !isAlias(pair.value) && pair.value.anchor !== undefined) {
    throw refuse("has an anchor that other values may refer to", path);
  }
  // The remark at the end of the key's line stays there.
  const remarkFrom = oldIsBlock === "collection" || start === end ? colon : end;
  const remark = oldIsBlock === "scalar" ? "" : text.slice(remarkFrom, nextLine(text, remarkFrom)).trimEnd();
  const lineBreak = lineBreakOf(text);
  const stop = endOfPair(text, pair);
  const lines = `${inline === "" ? "" : ` ${inline}`}${remark}${lineBreak}${block}`;
  return [{ start: colon, end: stop, text: text.charAt(stop - 1) === "\n" ? lines : lines.trimEnd() }];
}

function pathsOf(want: YamlText, pair: YamlPair, path: Path): readonly Path[] {
  return writtenPaths(path, fieldsOfYaml(want, fieldOf, pair.value, path));
}

type Added = readonly (readonly [key: string, pair: YamlPair])[];

/** One mapping, and what happens in it. */
interface Level {
  readonly mapping: YamlMapping;
  readonly wanted: YamlMapping | undefined;
  readonly pairs: readonly YamlPair[];
  readonly removed: ReadonlyMap<YamlPair, Path>;
  readonly added: Added;
  readonly path: Path;
}

function addToBlock(merge: Merge, { wanted, pairs, removed, added, path }: Level): Edit[] {
  const { text } = merge.have;
  const [first] = pairs;
  const last = pairs.at(-1);
  if (wanted === undefined || first === undefined || last === undefined || added.length === 0) return [];
  const column = first.key.range[0] - lineStart(text, first.key.range[0]);
  const lines = copyLines(merge, wanted, added, column, path);
  return [insertLines(text, endOfPair(text, last), lines, removed.has(last))];
}

function copyLines(merge: Merge, wanted: YamlMapping, added: Added, column: number, path: Path): string {
  const lineBreak = lineBreakOf(merge.have.text);
  const lines = added.map(([key, pair]) => {
    merge.written.push(...pathsOf(merge.want, pair, [...path, key]));
    return copyPair(merge.want, wanted, [key, pair], column, lineBreak);
  });
  return lines.join("");
}

/** A missing line break at the end of the file stays missing; `takesPlace` says that the line before goes away. */
function insertLines(text: string, position: number, lines: string, takesPlace: boolean): Edit {
  const onFreshLine = position === contentStart(text) || text.charAt(position - 1) === "\n";
  const lineBreak = lineBreakOf(text);
  const unended = onFreshLine ? lines : lines.slice(0, -lineBreak.length);
  return { start: position, end: position, text: onFreshLine || takesPlace ? unended : lineBreak + unended };
}

function addToFlow(merge: Merge, { mapping, pairs, removed, added, path }: Level): Edit[] {
  if (added.length === 0) return [];
  const last = pairs.at(-1);
  const members = added.map(([key, pair]) => {
    merge.written.push(...pathsOf(merge.want, pair, [...path, key]));
    return `${writeYamlKey(key)}: ${flowValue(merge.want, pair.value)}`;
  });
  const position = last === undefined ? mapping.range[0] + 1 : endOf(last.value ?? last.key);
  const comma = removed.size < pairs.length ? ", " : "";
  return [{ start: position, end: position, text: comma + members.join(", ") }];
}

/** Each pair that goes takes one comma along: the one before it, or at the front the one behind it. */
function removeFromFlow({ pairs, removed }: Level): Edit[] {
  const firstKept = pairs.findIndex((pair) => !removed.has(pair));
  return pairs.flatMap((pair, index) => {
    if (!removed.has(pair)) return [];
    const end = endOf(pair.value ?? pair.key);
    const [previous, next] = [pairs[index - 1], pairs[index + 1]];
    const atFront = firstKept < 0 || index < firstKept;
    if (atFront) return [{ start: pair.key.range[0], end: next?.key.range[0] ?? end, text: "" }];
    return [{ start: previous === undefined ? end : endOf(previous.value ?? previous.key), end, text: "" }];
  });
}

function removeFromBlock({ have: { text } }: Merge, { removed }: Level): Edit[] {
  return [...removed].map(([pair, path]) => {
    const start = lineStart(text, pair.key.range[0]);
    if (text.slice(start, pair.key.range[0]).trim() !== "") throw refuse("shares its line with something else", path);
    return { start, end: endOfPair(text, pair), text: "" };
  });
}

function refuse(why: string, path: Path): ConfigSyncError {
  const key = formatPath(path);
  return new ConfigSyncError("UNREPRESENTABLE", `${key} cannot be changed in place: it ${why}`, { key });
}
