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

/** No reader of env files takes more in a name, and most take less: what each takes is asked of it where it is written. */
export const variableName = /^[^\s=#"'`$\\\x00-\x1f\x7f*{}]{1,200}$/;
/** `MAIL_*`: a variable for each key of a section. */
export const patternName = /^[^\s=#"'`$\\\x00-\x1f\x7f*{}]{0,200}\*$/;
