/**
 * The Host header on loopback. A web page can let its own name lead to 127.0.0.1 (DNS rebinding) and would then talk to us as
 * if we were its server; its name in the Host header gives it away.
 */
import { ConfigSyncError } from "../../errors.ts";

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/** Throws REQUEST_INVALID. `localAddress` is the one that was connected to. */
export type RequireKnownHost = (host: string | undefined, localAddress: string | undefined) => void;

/** `hosts`: the names that are right beside those of the loopback addresses. */
export function createHostCheck(hosts: readonly string[]): RequireKnownHost {
  const known = new Set([...loopbackNames, ...hosts.map((host) => host.toLowerCase())]);
  let last: string | undefined;
  return (host, localAddress) => {
    if (host !== undefined && host === last) return;
    if (localAddress === undefined || !isLoopback(localAddress)) return;
    requireOneOf(known, host);
    last = host;
  };
}

function requireOneOf(known: ReadonlySet<string>, host: string | undefined): void {
  const name = (host ?? "").replace(/:\d*$/, "").toLowerCase();
  if (known.has(name)) return;
  throw new ConfigSyncError("REQUEST_INVALID", "the Host header is no name of this server", {
    hint: "Call it localhost or 127.0.0.1, or name the host in the settings of the API",
  });
}

export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
