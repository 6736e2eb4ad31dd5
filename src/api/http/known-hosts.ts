/**
 * The Host header on loopback. A web page can let its own name lead to 127.0.0.1 (DNS rebinding) and would then talk to us as
 * if we were its server; its name in the Host header gives it away.
 */
import { ConfigSyncError } from "../../errors.ts";

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Throws REQUEST_INVALID. `localAddress` is the one that was connected to. */
export function requireKnownHost(
  host: string | undefined,
  localAddress: string | undefined,
  hosts: ReadonlySet<string>,
): void {
  if (localAddress === undefined || !isLoopback(localAddress)) return;
  const name = (host ?? "").replace(/:\d*$/, "").toLowerCase();
  if (loopbackNames.has(name) || hosts.has(name)) return;
  throw new ConfigSyncError("REQUEST_INVALID", "the Host header is no name of this server", {
    hint: "Call it localhost or 127.0.0.1, or name the host in the settings of the API",
  });
}

export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
