/** A format as one side of a duel. */
import type fc from "fast-check";
import type { Path } from "../../src/config/path.ts";
import type { Field, Format } from "../../src/formats/format.ts";
import type { Subject, Wanted } from "./duel.ts";
import { keyOf, type Values } from "./reading.ts";

export interface SubjectOptions {
  /** A text of the format that holds these keys, for merges; `write` is the format's own. */
  readonly print: (wanted: readonly Wanted[], write: (value: string) => string) => string;
  readonly paths: readonly Path[];
  readonly values: fc.Arbitrary<string>;
  /** Where the reader does not tell some names apart. */
  readonly identify?: (path: Path) => Path;
  /** What to compare in place of the value of a field. */
  readonly readValue?: (field: Field) => string;
  /** Each key has its line: what is between the values of a text must stay. */
  readonly isLined: boolean;
}

export function subjectOf(format: Format, options: SubjectOptions): Subject {
  const { print, paths, values, identify = (path) => path, readValue = ({ value }) => value, isLined } = options;
  const { merge } = format;
  if (merge === undefined) throw new Error(`${format.name} has no merge`);
  const idOf = ({ path }: Field): string => keyOf(identify(path));
  const read = (text: string): Values => new Map(format.read(text).map((field) => [idOf(field), readValue(field)]));
  return {
    formatName: format.name,
    read,
    put: ({ before, after }, value) => {
      if (!format.alone.before.test(before) || !format.alone.after.test(after)) {
        throw new Error(`${format.name} says that no value stands alone in ${JSON.stringify(`${before}▮${after}`)}`);
      }
      return before + format.write(value) + after;
    },
    merge: {
      paths,
      values,
      merge: (existing, wanted, gone) => merge(existing, print(wanted, format.write), gone).text,
      ...(isLined && { places: (text: string) => placesOf(format.read(text), idOf) }),
    },
  };
}

/** All places of a key, of which the last counts: a merge may write there, and removes all of them. */
function placesOf(fields: readonly Field[], idOf: (field: Field) => string) {
  return fields.map((field) => ({ key: idOf(field), start: field.start, end: field.end }));
}

/** `[section]` lines with `key = value` below. */
export function printIni(wanted: readonly Wanted[], write: (value: string) => string): string {
  const sections = Map.groupBy(wanted, ({ path }) => path.slice(0, -1).join("."));
  return [...sections]
    .map(([section, keys]) => {
      const lines = keys.map(({ path, value }) => `${path.at(-1)} = ${write(value)}\n`);
      return `[${section}]\n${lines.join("")}`;
    })
    .join("\n");
}

/** `NAME=value` lines. */
export function printEnv(wanted: readonly Wanted[], write: (value: string) => string): string {
  return wanted.map(({ path: [name = ""], value }) => `${name}=${write(value)}\n`).join("");
}
