/** The sections of a snapshot that hold the environment of services: `environment`, `mappings`, `environment:shop`. Pure. */
import type { Entry } from "./layers.ts";

export type EnvironmentKind = "variable" | "mapping";

/** What a section holds, and the one service that it is for; undefined for every service. */
export interface EnvironmentSection {
  readonly kind: EnvironmentKind;
  readonly service: string | undefined;
}

export function environmentSection(kind: EnvironmentKind, service?: string): string {
  const section = kind === "variable" ? "environment" : "mappings";
  return service === undefined ? section : `${section}:${service}`;
}

/** Undefined for every other section. */
export function readEnvironmentSection(section: string): EnvironmentSection | undefined {
  const match = /^(environment|mappings)(?::([a-z0-9][a-z0-9-]{0,62}))?$/.exec(section);
  if (match === null) return undefined;
  return { kind: match[1] === "environment" ? "variable" : "mapping", service: match[2] };
}

/** The same of an entry, for those that the document of the environment gives. */
export function environmentIn({ path, isEnvironment = false }: Pick<Entry, "path" | "isEnvironment">) {
  return isEnvironment ? readEnvironmentSection(path[0] ?? "") : undefined;
}

/**
 * No reader of env files takes more in a name, and most take less: what each takes is asked of it where it is written. What a terminal obeys
 * (control characters, C1 included) or hides (directions, joiners) is in no name.
 */
const character = String.raw`[^\s=#"'\x60$\\*{}\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f]`;
export const variableName = new RegExp(`^${character}{1,200}$`);
/** Or `MAIL_*`: a variable for each key of a section. */
export const mappingName = new RegExp(`^(?:${character}{1,200}|${character}{0,200}\\*)$`);
