/** Looking something up in the audit log. What is damaged is left out here: `verify` names it. */
import { parseDuration } from "../config/coerce.ts";
import { ConfigSyncError } from "../errors.ts";
import { type Entry, readEntry } from "./entry.ts";
import { listFiles, readBytes, splitLines } from "./files.ts";

export interface Query {
  /** Milliseconds since 1970; both ends are within. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The name of who did it. */
  readonly actor?: string | undefined;
  /** A written path of a key, or of a section for all its keys. */
  readonly path?: string | undefined;
  readonly limit: number;
}

/** Newest first. Throws STATE_UNUSABLE. */
export function listEntries(folder: string, query: Query): Entry[] {
  const found: Entry[] = [];
  for (const number of listFiles(folder).reverse()) {
    for (const line of splitLines(readBytes(folder, number)).lines.reverse()) {
      const entry = readEntry(line)?.entry;
      if (entry !== undefined && isWanted(entry, query)) found.push(entry);
      if (found.length >= query.limit) return found;
    }
  }
  return found;
}

function isWanted({ at, who, keys }: Entry, { from = 0, to = Number.POSITIVE_INFINITY, actor, path }: Query): boolean {
  if (at < from || at > to) return false;
  if (actor !== undefined && who.name !== actor) return false;
  return path === undefined || (keys?.some((key) => concerns(key, path)) ?? false);
}

/** What was done to a section was done to its keys. */
function concerns(key: string, path: string): boolean {
  return key === path || key.startsWith(`${path}.`) || path.startsWith(`${key}.`);
}

/** `2026-11-21`, `2026-11-21T08:30` (UTC where no zone is given), or `2h` for as long ago. Throws VALUE_INVALID. */
export function parseMoment(text: string, now: number, name: string): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const isDate =
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text) && isDay(text.slice(0, 10));
  const hasZone = !text.includes("T") || /(Z|[+-]\d\d:\d\d)$/.test(text);
  const at = isDate ? Date.parse(hasZone ? text : `${text}Z`) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ConfigSyncError("VALUE_INVALID", `${name} is not a time`, {
    hint: "Write 2026-11-21, 2026-11-21T08:30 (UTC) or 2h for two hours ago",
  });
}

/** For JavaScript the 31st of February is one in March. */
function isDay(day: string): boolean {
  const at = Date.parse(day);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}
