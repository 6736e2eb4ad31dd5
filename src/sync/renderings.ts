import type { Change } from "../config/diff.ts";
import { formatPath, parsePath } from "../config/path.ts";
import { reveal } from "../config/secret.ts";
import { asConfigSyncError, ConfigSyncError, formatPlace } from "../errors.ts";
import type { Service } from "../services/catalog.ts";
import { findPathConflicts, type Inputs, type RenderedService, renderService } from "../services/render.ts";

/** What a service should have, and the digests of the configuration values that its outputs are made of, by key. */
export interface Wanted {
  readonly service: RenderedService;
  readonly keys: Readonly<Record<string, string>>;
  /** A digest of what else the outputs are made of: manifest, templates, the names in the settings. */
  readonly form: string;
}

/**
 * A service as the present snapshot wants it. With an error the present snapshot says nothing that could be written, and what
 * it said last, if it ever did, stays wanted. One bad service does not hold up the others.
 */
export interface Rendering {
  readonly wanted: Wanted | undefined;
  readonly error: ConfigSyncError | undefined;
  /** With an error: the number of the last revision that `wanted` is of. Undefined: it is of the newest. */
  readonly revision?: number | undefined;
}

export type Renderings = ReadonlyMap<string, Rendering>;

/** What was wanted until now, and what is another since. */
export interface Before {
  readonly renderings: Renderings;
  readonly changes: readonly Change[];
  /** The revision that it was of. */
  readonly revision?: number | undefined;
}

/** Renders every service that the changes concern; the others keep their rendering. No `before`: all are rendered. */
export function renderAll(services: readonly Service[], inputs: Inputs, before?: Before): Renderings {
  const changed = before === undefined ? undefined : changedNames(before.changes);
  const digestKey = keyDigests(inputs);
  const names = JSON.stringify(inputs.names);
  const renderings = new Map<string, Rendering>();
  for (const service of services) {
    const known = before?.renderings.get(service.name);
    const isConcerned =
      known === undefined ||
      known.error !== undefined ||
      known.wanted === undefined ||
      changed === undefined ||
      known.wanted.service.used.some((key) => changed.has(key));
    const last = lastOf(service.name, before);
    renderings.set(service.name, isConcerned ? render(service, inputs, { digestKey, names, last }) : known);
  }
  refuseConflicts(renderings, (name) => lastOf(name, before));
  return renderings;
}

type Last = Pick<Rendering, "wanted" | "revision">;

/** What stays wanted of a service where the newest says nothing that could be written. */
function lastOf(name: string, before: Before | undefined): Last {
  const { wanted, error, revision } = before?.renderings.get(name) ?? {};
  return { wanted, revision: error === undefined ? before?.revision : revision };
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

type DigestKey = (key: string) => string | undefined;

/** Many services use the same values: each is digested once a round. Undefined for a key that nobody gives. */
function keyDigests({ snapshot, digest }: Inputs): DigestKey {
  const known = new Map<string, string | undefined>();
  return (key) => {
    if (!known.has(key)) {
      const entry = snapshot.entries.get(key);
      known.set(key, entry && digest(`${key}\n${reveal(entry.value)}`));
    }
    return known.get(key);
  };
}

function render(
  service: Service,
  inputs: Inputs,
  { digestKey, names, last }: { digestKey: DigestKey; names: string; last: Last },
): Rendering {
  try {
    const rendered = renderService(service, inputs);
    const used = new Set(rendered.outputs.flatMap((output) => output.used));
    const keys = [...used].flatMap((key) => {
      const digest = digestKey(key);
      return digest === undefined ? [] : [[key, digest] as const];
    });
    const form = last.wanted?.form ?? inputs.digest(`${service.form}\n${names}`);
    return { wanted: { service: rendered, keys: Object.fromEntries(keys), form }, error: undefined };
  } catch (error) {
    return { ...last, error: nameOrigin(asConfigSyncError(error), inputs) };
  }
}

/** The template is where a value is refused; the person must go to where it was given. */
function nameOrigin(error: ConfigSyncError, { snapshot }: Inputs): ConfigSyncError {
  const origin = error.key === undefined ? undefined : snapshot.entries.get(error.key)?.origin;
  if (origin === undefined) return error;
  const place = formatPlace({ ...origin, file: origin.file ?? origin.source });
  return new ConfigSyncError(error.code, `${error.message} (given in ${place})`, { ...error, cause: error });
}

/** Two services that write one file would undo each other for ever: neither is applied. */
function refuseConflicts(renderings: Map<string, Rendering>, last: (name: string) => Last): void {
  const rendered = [...renderings.values()].flatMap(({ wanted, error }) =>
    wanted === undefined || error !== undefined ? [] : wanted.service,
  );
  for (const { services, error } of findPathConflicts(rendered)) {
    for (const name of services) renderings.set(name, { ...last(name), error });
  }
}
