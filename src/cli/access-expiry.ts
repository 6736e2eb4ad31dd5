import { parseDuration } from "../config/coerce.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Call } from "./command.ts";

const day = 24 * 60 * 60 * 1000;

/** `90d`, `12h` from now, or `2027-06-30`, as milliseconds since 1970. Throws USAGE. */
export function readExpiry(given: Call["options"][string], now: number): number | undefined {
  if (given === undefined) return undefined;
  const at = parseDays(String(given), now) ?? parseDate(String(given));
  if (at !== undefined && at > now) return at;
  const why = at === undefined ? "is neither a duration nor a date" : "is over already";
  throw new ConfigSyncError("USAGE", `--expires ${given} ${why}`, { hint: "Write 90d, 12h or 2027-06-30" });
}

function parseDays(text: string, now: number): number | undefined {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const duration = days === undefined ? parseDuration(text) : Number(days) * day;
  return duration === undefined ? undefined : now + duration;
}

/** A date that is in the calendar: Date would take the 30th of February for the 2nd of March. */
function parseDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? date.getTime() : undefined;
}
