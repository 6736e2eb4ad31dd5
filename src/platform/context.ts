import type { Redact } from "../config/secret.ts";
import type { Docker } from "./docker.ts";
import type { Supervisord } from "./supervisord.ts";

/** What a reload or a probe works with. Nothing in it may wait longer than `signal` allows. */
export interface ActionContext {
  /** Ends the action: its deadline has come, or the daemon stops. */
  readonly signal: AbortSignal;
  /** Blots secrets out of foreign text before it goes into an error, a detail or a log. */
  readonly redact: Redact;
  /** The daemon's connections; opened when first asked for, so that a run that needs none loads none. */
  readonly docker: () => Promise<Docker>;
  readonly supervisord: () => Promise<Supervisord>;
  /** Base folder for relative paths in commands. */
  readonly folder: string;
}
