import type { Change } from "../config/diff.ts";
import { formatPath, parsePath } from "../config/path.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { Service } from "../services/catalog.ts";
import { findPathConflicts, type Inputs, type RenderedService, renderService } from "../services/render.ts";

/** A service as the present snapshot wants it, or why that cannot be said. One bad service does not hold up the others. */
export type Rendering =
  | { readonly service: RenderedService; readonly error?: undefined }
  | { readonly service?: undefined; readonly error: ConfigSyncError };

export type Renderings = ReadonlyMap<string, Rendering>;

/** Renders every service that the changes concern; the others keep their rendering. No `before`: all are rendered. */
export function renderAll(
  services: readonly Service[],
  inputs: Inputs,
  before?: { readonly renderings: Renderings; readonly changes: readonly Change[] },
): Renderings {
  const changed = before === undefined ? undefined : changedNames(before.changes);
  const renderings = new Map<string, Rendering>();
  for (const service of services) {
    const known = before?.renderings.get(service.name);
    const concerned = changed === undefined || known?.service?.used.some((key) => changed.has(key)) !== false;
    renderings.set(service.name, concerned || known === undefined ? render(service, inputs) : known);
  }
  refuseConflicts(renderings);
  return renderings;
}

/** A template that walks over a section uses the section's name: a change in it is a change of the whole. */
function changedNames(changes: readonly Change[]): ReadonlySet<string> {
  return new Set(
    changes.flatMap(({ key }) => {
      const path = parsePath(key) ?? [];
      return path.map((_, index) => formatPath(path.slice(0, index + 1)));
    }),
  );
}

function render(service: Service, inputs: Inputs): Rendering {
  try {
    return { service: renderService(service, inputs) };
  } catch (error) {
    return { error: asConfigSyncError(error) };
  }
}

/** Two services that write one file would undo each other for ever: neither is applied. */
function refuseConflicts(renderings: Map<string, Rendering>): void {
  const rendered = [...renderings.values()].flatMap(({ service }) => service ?? []);
  for (const { services, error } of findPathConflicts(rendered)) {
    for (const name of services) renderings.set(name, { error });
  }
}
