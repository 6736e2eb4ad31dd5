/** The environment of services as the API gives it: each variable with where it comes from and who gets it. */
import { keysOf, listVariables, type Variable } from "../../config/environment.ts";
import { environmentIn } from "../../config/environment-section.ts";
import type { Entry, Snapshot } from "../../config/layers.ts";
import { mappedSections } from "../../config/mapping.ts";
import { formatPath, parsePath } from "../../config/path.ts";
import { maskUrls, reveal, Secret, secretMark } from "../../config/secret.ts";
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

/** Those that these eyes may see: a mapped one by who may see every section that it is mapped from. */
export function seenVariables(snapshot: Snapshot, sight: Sight): readonly Variable[] {
  return listVariables(snapshot).filter((variable) => sectionsOf(variable).every(sight.section));
}

/** The sections that the value of a variable is of. */
function sectionsOf(variable: Variable): string[] {
  const keys = keysOf(variable);
  return keys.length === 0 ? [variable.definition.path[0] ?? ""] : keys.map((key) => parsePath(key)?.[0] ?? key);
}

export function showVariable(
  variable: Variable,
  uses: readonly ServiceUse[],
  { sight, revealed }: { readonly sight: Sight; readonly revealed: boolean },
): ShownVariable {
  const { name, service, definition, kind, secret } = variable;
  const key = formatPath(definition.path);
  const services = uses.flatMap(({ name: user, environment = [] }) =>
    environment
      .filter(({ variables }) => variables.some((given) => given.name === name && given.definition === key))
      .map(({ output, dialect }) => ({ name: user, output, dialect })),
  );
  return {
    name,
    service,
    value: valueOfAll(variable, revealed),
    secret,
    origin: kind === "variable" ? "independent" : "mapped",
    from: kind === "variable" ? undefined : reveal(definition.value),
    key,
    ...placeOf(definition),
    services: services.filter(({ name: user }) => sight.service(user)),
  };
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
  const variables = listVariables(snapshot);
  return [...snapshot.entries.values()].flatMap((entry) => {
    const [section = "", name = ""] = entry.path;
    const found = environmentIn(entry);
    if (found?.kind !== "mapping") return [];
    if (!sight.section(section) && !mappedSections(entry).every(sight.section)) return [];
    const made = variables.filter(({ definition }) => definition === entry).map((variable) => variable.name);
    const key = formatPath(entry.path);
    const from = reveal(entry.value);
    return [{ name, service: found.service, from, key, variables: made, ...placeOf(entry) }];
  });
}

function placeOf({ origin: { file, line, column } }: Entry) {
  return { file, line, column };
}
