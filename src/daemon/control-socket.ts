import { join } from "node:path";

/** The control socket of a workspace, by its state folder. */
export function controlSocket(state: string): string {
  return join(state, "daemon.sock");
}
