/** Variables of the environment that no service gets: a misspelt service, or a manifest that does not ask for them. */
import { listVariables } from "../config/environment.ts";
import type { Snapshot } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import type { Place } from "../errors.ts";
import type { Service } from "../services/catalog.ts";

export interface Unheard {
  readonly place: Place;
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** One for each that is defined. What another definition overrules is heard of by the other services. */
export function findUnheard(snapshot: Snapshot, services: readonly Service[]): Unheard[] {
  const names = new Set(services.map(({ name }) => name));
  const takers = new Set(
    services.flatMap(({ name, outputs }) => (outputs.some(({ manifest }) => manifest.environment) ? name : [])),
  );
  const found = new Map<string, Unheard>();
  for (const { service, definition } of listVariables(snapshot)) {
    if (service === undefined ? takers.size > 0 : takers.has(service)) continue;
    const key = formatPath(definition.path);
    const isKnown = service === undefined || names.has(service);
    const why =
      service === undefined
        ? "no service takes the environment"
        : isKnown
          ? `no output of ${service} takes the environment`
          : `there is no service ${service}`;
    const hint = isKnown
      ? "Write environment: true at an output in its service.yaml"
      : "Correct the name, or remove it";
    found.set(key, { place: definition.origin, key, message: `${key} is given to nobody: ${why}`, hint });
  }
  return [...found.values()];
}
