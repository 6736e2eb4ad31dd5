import { ConfigSyncError } from "../errors.ts";

/** A whole number from 1, as revisions are numbered. Throws USAGE. */
export function readNumber(written: string, what: string): number {
  if (/^[1-9]\d{0,8}$/.test(written)) return Number(written);
  throw new ConfigSyncError("USAGE", `${what} is a whole number from 1, and not "${written}"`);
}
