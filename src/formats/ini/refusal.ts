import { ConfigSyncError, type Place } from "../../errors.ts";

export function parseFailed(message: string, place: Place, hint: string): ConfigSyncError {
  return new ConfigSyncError("PARSE_FAILED", message, { place, hint });
}

export function unrepresentable(message: string, hint: string, key?: string): ConfigSyncError {
  return new ConfigSyncError("UNREPRESENTABLE", message, { hint, key });
}

/**
 * What no INI file can carry, whoever reads it: NUL makes a text file a binary one for most tools, and a lone surrogate
 * does not survive UTF-8.
 */
export function refuseUnwritable(value: string): void {
  if (value.includes("\0")) throw unrepresentable("the value holds a NUL character", "Remove it");
  if (!value.isWellFormed()) throw unrepresentable("the value is not valid Unicode", "Replace the broken character");
}

/** A name from a foreign file as it may stand in a message: quoted, escaped, of bounded length. */
export function shownName(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}
