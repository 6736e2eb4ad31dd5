/**
 * The environment that services get: variables of their own and variables that are mapped from other keys, for every service or for
 * one. Both stand in the snapshot like all else, in sections with names of their own: `environment.TZ`, `mappings:shop.DB_HOST`. Pure.
 */
import { ConfigSyncError } from "../errors.ts";
import { type EnvironmentSection, environmentIn, environmentSection } from "./environment-section.ts";
import type { Entry, Snapshot } from "./layers.ts";
import { type MappedPart, mappedSections, parseMapping } from "./mapping.ts";
import { formatPath } from "./path.ts";
import { Secret, secretPaths } from "./secret.ts";

/** A variable as it is defined; of a mapping with a `*` one for each key. */
export interface Variable extends EnvironmentSection {
  readonly name: string;
  /** The entry of the document that it comes from. */
  readonly definition: Entry;
  /** What its value is made of: texts, and values of the configuration. */
  readonly parts: readonly VariablePart[];
  /** Its name says so, or a value that it takes in is secret. */
  readonly secret: boolean;
  readonly fromPattern: boolean;
}

/** `entry` is undefined for a key that nothing gives. */
export type VariablePart = string | { readonly key: string; readonly entry: Entry | undefined };

const known = new WeakMap<Snapshot, readonly Variable[]>();

/** Every variable of a snapshot, in the order of the document. */
export function listVariables(snapshot: Snapshot): readonly Variable[] {
  const before = known.get(snapshot);
  if (before !== undefined) return before;
  const variables = [...snapshot.entries.values()].flatMap((entry) => {
    const section = environmentIn(entry);
    return section === undefined ? [] : defineVariables(section, entry, snapshot);
  });
  known.set(snapshot, variables);
  return variables;
}

function defineVariables(section: EnvironmentSection, definition: Entry, { entries }: Snapshot): Variable[] {
  const written = definition.path.at(-1) ?? "";
  const define = (name: string, parts: readonly VariablePart[], fromPattern = false): Variable => {
    return { ...section, name, definition, parts, secret: isSecret(name, parts), fromPattern };
  };
  if (section.kind === "variable") return [define(written, [{ key: formatPath(definition.path), entry: definition }])];
  const { parts, section: mapped } = parseMapping(definition);
  const look = (part: MappedPart): VariablePart =>
    typeof part === "string" ? part : { key: formatPath(part), entry: entries.get(formatPath(part)) };
  if (mapped === undefined) return [define(written, parts.map(look))];
  const keys = [...entries.values()].filter(({ path }) => path.length === 2 && path[0] === mapped);
  return keys.map(({ path }) => {
    const name = written.replace("*", () => asName(path[1] ?? ""));
    return define(name, [look(path)], true);
  });
}

const isTelling = secretPaths([]);

function isSecret(name: string, parts: readonly VariablePart[]): boolean {
  return isTelling([name]) || parts.some((part) => typeof part !== "string" && part.entry?.value instanceof Secret);
}

/** `smtp-host` as SMTP_HOST. */
function asName(key: string): string {
  return key.toUpperCase().replace(/[^\p{L}\p{N}_]/gu, "_");
}

/**
 * The variables that a service gets. What is defined for it alone counts more than what is for all, and a name that is written out more
 * than one by a `*`. Throws VALUE_INVALID for a name that two keys of a `*` become.
 */
export function environmentOf(service: string, snapshot: Snapshot): readonly Variable[] {
  const own = listVariables(snapshot).filter((variable) => (variable.service ?? service) === service);
  return [...Map.groupBy(own, ({ name }) => name).values()].flatMap((sameName) => {
    const [first, next] = byRank(sameName);
    if (first !== undefined && next !== undefined && rank(first) === rank(next)) throw ambiguous(next, first);
    return first ?? [];
  });
}

/** Of variables of one name the one that counts comes first. */
export function byRank(sameName: readonly Variable[]): readonly Variable[] {
  return sameName.toSorted((one, other) => rank(other) - rank(one));
}

function rank({ service, fromPattern }: Variable): number {
  return (service === undefined ? 0 : 2) + (fromPattern ? 0 : 1);
}

function ambiguous(variable: Variable, other: Variable): ConfigSyncError {
  const key = formatPath(variable.definition.path);
  const [one, two] = [other, variable].map((which) => keysOf(which).join(", "));
  return new ConfigSyncError("VALUE_INVALID", `${one} and ${two} would both become the variable ${variable.name}`, {
    key,
    hint: `Say which one it is with a mapping of its own for ${variable.name}`,
  });
}

/** The written paths of the values that it is made of. */
export function keysOf({ parts }: Pick<Variable, "parts">): string[] {
  return parts.flatMap((part) => (typeof part === "string" ? [] : part.key));
}

/** The sections in which the next variable of a service can appear: those of the environment, and those that a `*` takes. */
export function sectionsFor(service: string, { entries }: Snapshot): string[] {
  const own = (["variable", "mapping"] as const).flatMap((kind) => {
    return [environmentSection(kind), environmentSection(kind, service)];
  });
  const patterns = [...entries.values()].filter((entry) => {
    const [section = "", name = ""] = entry.path;
    return environmentIn(entry) !== undefined && own.includes(section) && name.endsWith("*");
  });
  return [...new Set([...own, ...patterns.flatMap(mappedSections)])];
}
