import { ConfigSyncError } from "../errors.ts";
import { command } from "./command.ts";
import { docker } from "./docker.ts";
import { http } from "./http.ts";
import type { Probe } from "./probe.ts";
import { supervisord } from "./supervisord.ts";
import { tcp } from "./tcp.ts";

/** A kind whose spec is not known here: it takes what its own schema gave, also after a way through JSON. */
export type AnyProbe = Probe<unknown>;

/** Every way to ask a service whether it is healthy. A new kind is a file beside the others and a line here. */
export const probes: readonly AnyProbe[] = [
  forgetSpec(http),
  forgetSpec(tcp),
  forgetSpec(docker),
  forgetSpec(supervisord),
  forgetSpec(command),
];

const byKind = new Map(probes.map((probe) => [probe.kind, probe]));
if (byKind.size !== probes.length) throw new Error("two probes have the same kind");

/** Throws NOT_FOUND for a kind that does not exist. */
export function probeOf(kind: string): AnyProbe {
  const probe = byKind.get(kind);
  if (probe !== undefined) return probe;
  const known = probes.map((other) => other.kind).join(", ");
  throw new ConfigSyncError("NOT_FOUND", `there is no probe "${kind}"`, { hint: `Kinds are ${known}` });
}

/** Specs reach `check` only as `schema` of the same kind made them; the type of a list of kinds cannot say so. */
function forgetSpec<Spec>(probe: Probe<Spec>): AnyProbe {
  return probe as AnyProbe;
}
