import type { Change } from "../config/diff.ts";
import { formatPath, parsePath } from "../config/path.ts";
import { reveal } from "../config/secret.ts";
import { asConfigSyncError, ConfigSyncError, formatPlace } from "../errors.ts";
import type { Service } from "../services/catalog.ts";
import {
  findPathConflicts,
  type Inputs,
  type OutputPlace,
  placeOutputs,
  type RenderedService,
  renderService,
} from "../services/render.ts";

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
  /** Where the outputs lie by the present snapshot; none where it does not say so. */
  readonly places: readonly OutputPlace[];
}

export type Renderings = ReadonlyMap<string, Rendering>;

/** What was wanted until now, and what is another since. */
export interface Before {
  readonly renderings: Renderings;
  readonly changes: readonly Change[];
  /** The revision that it was of. */
  readonly revision?: number | undefined;
}

/**
 * What every service should have. Those that the changes do not concern keep their rendering, the others are rendered when somebody
 * asks for what is in it: when many services change again and again, most of it is never asked for. No `before`: all are rendered.
 */
export function renderAll(services: readonly Service[], inputs: Inputs, before?: Before): Renderings {
  const changed = before === undefined ? undefined : changedNames(before.changes);
  const round = { inputs, digestKey: keyDigests(inputs), names: JSON.stringify(inputs.names) };
  const renderings = new Map<string, Rendering>();
  let isMoved = false;
  for (const service of services) {
    const known = before?.renderings.get(service.name);
    const isConcerned = known === undefined || changed === undefined || isConcernedBy(changed, known);
    const rendering = isConcerned ? renderLater(service, round, lastOf(known, before)) : known;
    renderings.set(service.name, rendering);
    if (isConcerned) isMoved ||= isRefused(known) || !isSamePlace(rendering.places, known?.places);
  }
  // Where they all lie as before, none is in another's way that was not.
  if (isMoved) refuseConflicts(renderings, before);
  return renderings;
}

/** What was not rendered yet since an earlier change may be another by that one. */
function isConcernedBy(changed: ReadonlySet<string>, known: Rendering): boolean {
  if (pending.has(known) || known.error !== undefined || known.wanted === undefined) return true;
  return known.wanted.service.used.some((key) => changed.has(key));
}

/** As far as that is known: what was not rendered yet was in nobody's way. */
function isRefused(known: Rendering | undefined): boolean {
  return known !== undefined && !pending.has(known) && known.error !== undefined;
}

type Last = Pick<Rendering, "wanted" | "revision">;

/** The renderings that nobody asked for yet, and what is wanted of these services until then. */
const pending = new WeakMap<Rendering, Last>();

/** What stays wanted of a service where the newest says nothing that could be written. */
function lastOf(known: Rendering | undefined, before: Before | undefined): Last {
  const last = known && pending.get(known);
  if (last !== undefined) return last;
  const { wanted, error, revision } = known ?? {};
  return { wanted, revision: error === undefined ? before?.revision : revision };
}

interface Round {
  readonly inputs: Inputs;
  readonly digestKey: DigestKey;
  readonly names: string;
}

function renderLater(service: Service, round: Round, last: Last): Rendering {
  const rendering = new LateRendering(() => renderNow(service, round, last), placesOf(service, round.inputs));
  pending.set(rendering, last);
  return rendering;
}

type Rendered = Omit<Rendering, "places">;

/** A class, because of these there is one a service, and its getters are to be there once. */
class LateRendering implements Rendering {
  #places: Rendering["places"];
  /** What it is, or how to make it: that knows the snapshot, and goes with the first question. */
  #rendered: Rendered | (() => Rendered);

  constructor(render: () => Rendered, places: Rendering["places"]) {
    this.#rendered = render;
    this.#places = places;
  }

  get places() {
    return this.#places;
  }

  get wanted() {
    return this.#now().wanted;
  }

  get error() {
    return this.#now().error;
  }

  get revision() {
    return this.#now().revision;
  }

  #now(): Rendered {
    if (typeof this.#rendered === "function") {
      this.#rendered = this.#rendered();
      const { wanted, error } = this.#rendered;
      if (wanted !== undefined && error === undefined) this.#places = wanted.service.outputs;
      pending.delete(this);
    }
    return this.#rendered;
  }
}

function placesOf(service: Service, inputs: Inputs): readonly OutputPlace[] {
  try {
    return placeOutputs(service, inputs);
  } catch {
    // The rendering says what is wrong.
    return [];
  }
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

function renderNow(service: Service, { inputs, digestKey, names }: Round, last: Last): Rendered {
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

/** Whether both are the same paths in the same order. */
export function isSamePlace(some: readonly OutputPlace[], others: readonly OutputPlace[] = []): boolean {
  return some.length === others.length && some.every(({ path }, index) => path === others[index]?.path);
}

/** Two services that write one file would undo each other for ever: neither is applied. */
function refuseConflicts(renderings: Map<string, Rendering>, before: Before | undefined): void {
  const placed = [...renderings].map(([name, { places }]) => ({ name, outputs: places }));
  for (const { services, error } of findPathConflicts(placed)) {
    for (const name of services) {
      const places = renderings.get(name)?.places ?? [];
      renderings.set(name, { ...lastOf(before?.renderings.get(name), before), error, places });
    }
  }
}
