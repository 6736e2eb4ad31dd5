/**
 * The Origin header. A browser lets any page open a WebSocket to any server, and reads what comes for it: nothing like CORS asks the
 * server first (cross-site WebSocket hijacking). Programs send none.
 */
import type { IncomingHttpHeaders } from "node:http";
import { ConfigSyncError } from "../../errors.ts";

/** Throws FORBIDDEN for a page that is neither our own nor of an origin that is named. */
export function requireKnownOrigin({ origin, host }: IncomingHttpHeaders, origins: readonly string[]): void {
  if (origin === undefined || isOwn(origin, host) || origins.includes(origin)) return;
  throw new ConfigSyncError("FORBIDDEN", "pages of this origin may not open a WebSocket here", {
    hint: "Name the origin under api.cors in the settings",
  });
}

/** By the host alone: behind a proxy that speaks TLS we do not know that we are https. */
function isOwn(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}
