/** The environment of services as the API gives it: each variable with where it comes from and who gets it. */
import { keysOf, listVariables, type Variable } from "../../config/environment.ts";
import { environmentIn } from "../../config/environment-section.ts";
import type { Entry, Snapshot } from "../../config/layers.ts";
import { mappedSections } from "../../config/mapping.ts";
import { formatPath, parsePath } from "../../config/path.ts";
import { maskUrls, passwordsInUrls, reveal, Secret, secretMark } from "../../config/secret.ts";
import type { ServiceUse } from "./parts.ts";
import type { Sight } from "./sight.ts";

export interface ShownVariable {
  readonly name: string;
  /** The one service that it is defined for; without it, for every service. */
  readonly service?: string | undefined;
  /** Null where nothing gives what it is mapped from. */
  readonly value: string | null;
  readonly secret: boolean;
  readonly origin: "independent" | "mapped";
  /** What it is mapped from, as it is written. */
  readonly from?: string | undefined;
  /** The written path of what defines it. */
  readonly key: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly services: readonly { readonly name: string; readonly output: string; readonly dialect: string }[];
}

export interface ShownMapping extends Pick<ShownVariable, "name" | "service" | "key" | "file" | "line" | "column"> {
  readonly from: string;
  /** The variables that it makes. */
  readonly variables: readonly string[];
}

export interface Showing {
  readonly sight: Sight;
  readonly uses: readonly ServiceUse[];
  readonly revealed: boolean;
}

/** Those of them that these eyes may see: a mapped one by who may see every section that it is mapped from. */
export function showVariables(variables: readonly Variable[], { sight, uses, revealed }: Showing): ShownVariable[] {
  const takers = findTakers(uses.filter(({ name }) => sight.service(name)));
  const seen = variables.filter((variable) => sectionsOf(variable).every(sight.section));
  return seen.map((variable) => {
    const { name, service, definition, kind, secret } = variable;
    const key = formatPath(definition.path);
    return {
      name,
      service,
      value: valueOfAll(variable, revealed),
      secret,
      origin: kind === "variable" ? "independent" : "mapped",
      from: kind === "variable" ? undefined : revealed ? reveal(definition.value) : shownFrom(definition),
      key,
      ...placeOf(definition),
      services: takers.get(idOf(name, key)) ?? [],
    };
  });
}

/** By variable and definition: which services get it, each in which file. */
function findTakers(uses: readonly ServiceUse[]): ReadonlyMap<string, ShownVariable["services"]> {
  const all = uses.flatMap(({ name: user, environment = [] }) =>
    environment.flatMap(({ output, dialect, variables }) =>
      variables.map(({ name, definition }) => ({ id: idOf(name, definition), taker: { name: user, output, dialect } })),
    ),
  );
  const grouped = Map.groupBy(all, ({ id }) => id);
  return new Map([...grouped].map(([id, found]) => [id, found.map(({ taker }) => taker)]));
}

/** No name holds a blank. */
function idOf(name: string, definition: string): string {
  return `${name} ${definition}`;
}

/** The sections that the value of a variable is of. */
function sectionsOf(variable: Variable): string[] {
  const keys = keysOf(variable);
  return keys.length === 0 ? [variable.definition.path[0] ?? ""] : keys.map((key) => parsePath(key)?.[0] ?? key);
}

function valueOfAll({ parts, secret }: Variable, revealed: boolean): string | null {
  const texts = parts.map((part) => {
    if (typeof part === "string") return part;
    if (part.entry === undefined) return undefined;
    const { value } = part.entry;
    return revealed ? reveal(value) : value instanceof Secret ? value.toString() : value;
  });
  if (texts.includes(undefined)) return null;
  if (revealed) return texts.join("");
  // Of a text with one secret in it the rest may be shown; where only the name tells of it, nothing is.
  const holdsMark = parts.some((part) => typeof part !== "string" && part.entry?.value instanceof Secret);
  return secret && !holdsMark ? secretMark : maskUrls(texts.join(""));
}

/** The rules themselves, seen by who sees the section that they stand in, or all that they take from. */
export function listMappings(snapshot: Snapshot, sight: Sight): ShownMapping[] {
  const made = Map.groupBy(listVariables(snapshot), ({ definition }) => definition);
  return [...snapshot.entries.values()].flatMap((entry) => {
    const [section = "", name = ""] = entry.path;
    const found = environmentIn(entry);
    if (found?.kind !== "mapping") return [];
    const taken = mappedSections(entry);
    if (!sight.section(section) && !(taken.length > 0 && taken.every(sight.section))) return [];
    const variables = made.get(entry)?.map((variable) => variable.name) ?? [];
    const key = formatPath(entry.path);
    return [{ name, service: found.service, from: shownFrom(entry), key, variables, ...placeOf(entry) }];
  });
}

/** A password that is written into a URL is masked; a key that it is taken from is none. */
function shownFrom({ value }: Entry): string {
  const text = reveal(value);
  return passwordsInUrls(text).every((password) => /^\$\{[^}]*\}$/.test(password)) ? text : maskUrls(text);
}

function placeOf({ origin: { file, line, column } }: Entry) {
  return { file, line, column };
}
