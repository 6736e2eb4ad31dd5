/** How a mapping says what a variable is made of: `mail.host`, `mail.*`, `https://${app.domain}:${app.port}/`. Pure. */
import { ConfigSyncError } from "../errors.ts";
import { readEnvironmentSection } from "./environment-section.ts";
import type { Entry } from "./layers.ts";
import { formatPath, type Path, parsePath } from "./path.ts";
import { reveal } from "./secret.ts";

/** A text, or the path of a key. */
export type MappedPart = string | Path;

export interface Mapping {
  readonly parts: readonly MappedPart[];
  /** The section that every key is taken of, for a name with a `*`. */
  readonly section: string | undefined;
}

const hint = `Write section.key, section.* for a name with a *, or a text with \${section.key} in it; $$ is a dollar sign`;

/** Throws VALUE_INVALID with the key and place of the entry. */
export function parseMapping(entry: Entry): Mapping {
  const text = reveal(entry.value);
  if ((entry.path.at(-1) ?? "").endsWith("*")) return { parts: [], section: sectionIn(text, entry) };
  if (!text.includes("$")) return { parts: [keyIn(text, entry)], section: undefined };
  const parts: MappedPart[] = [];
  let from = 0;
  for (const match of text.matchAll(/\$(?:\$|\{([^}]*)\}|)/g)) {
    if (match[0] === "$") throw invalid(entry, "has a $ that begins nothing");
    parts.push(text.slice(from, match.index), match[1] === undefined ? "$" : keyIn(match[1], entry));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return { parts: parts.filter((part) => part !== ""), section: undefined };
}

/** The sections that a mapping looks into. Throws as `parseMapping` does. */
export function mappedSections(entry: Entry): string[] {
  const { parts, section } = parseMapping(entry);
  return section === undefined ? parts.flatMap((part) => (typeof part === "string" ? [] : (part[0] ?? []))) : [section];
}

function keyIn(written: string, entry: Entry): Path {
  const path = parsePath(written);
  if (path?.length !== 2 || path[1] === "*") throw invalid(entry, "names no key of a section");
  refuseEnvironment(path[0] ?? "", entry);
  return path;
}

function sectionIn(written: string, entry: Entry): string {
  const path = parsePath(written);
  if (path?.length !== 2 || path[1] !== "*") throw invalid(entry, "has a name with a * and so takes a whole section");
  const [section = ""] = path;
  refuseEnvironment(section, entry);
  return section;
}

/** A chain of mappings would be hard to read, and could lead in a circle. */
function refuseEnvironment(section: string, entry: Entry): void {
  if (readEnvironmentSection(section) !== undefined) throw invalid(entry, "takes from the environment itself");
}

function invalid(entry: Entry, why: string): ConfigSyncError {
  const key = formatPath(entry.path);
  return new ConfigSyncError("VALUE_INVALID", `${key} ${why}`, { key, place: entry.origin, hint });
}
