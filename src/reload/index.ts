import { ConfigSyncError } from "../errors.ts";
import { command } from "./command.ts";
import { docker } from "./docker.ts";
import { http } from "./http.ts";
import { none } from "./none.ts";
import type { Reload } from "./reload.ts";
import { supervisord } from "./supervisord.ts";

/** A kind whose spec is not known here: it takes what its own schema gave, also after a way through JSON. */
export type AnyReload = Reload<unknown>;

/** Every way to make a service load its configuration. A new kind is a file beside the others and a line here. */
export const reloads: readonly AnyReload[] = [
  forgetSpec(docker),
  forgetSpec(supervisord),
  forgetSpec(http),
  forgetSpec(command),
  forgetSpec(none),
];

const byKind = new Map(reloads.map((reload) => [reload.kind, reload]));
if (byKind.size !== reloads.length) throw new Error("two reloads have the same kind");

/** Throws NOT_FOUND for a kind that does not exist. */
export function reloadOf(kind: string): AnyReload {
  const reload = byKind.get(kind);
  if (reload !== undefined) return reload;
  const known = reloads.map((other) => other.kind).join(", ");
  throw new ConfigSyncError("NOT_FOUND", `there is no reload "${kind}"`, { hint: `Kinds are ${known}` });
}

/** Specs reach `run` only as `schema` of the same kind made them; the type of a list of kinds cannot say so. */
function forgetSpec<Spec>(reload: Reload<Spec>): AnyReload {
  return reload as AnyReload;
}
