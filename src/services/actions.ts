import { asConfigSyncError } from "../errors.ts";
import { checkShape } from "../formats/checked-yaml.ts";
import { refuseSecretArguments } from "./arguments.ts";
import type { ServiceAction } from "./catalog.ts";
import type { Filled } from "./fill.ts";
import type { Manifest } from "./manifest.ts";
import type { Branch } from "./tree.ts";

/** A reload or a probe with its strings filled in and held to its schema. */
export interface ResolvedAction {
  readonly kind: string;
  readonly spec: unknown;
  /** For people, without secrets. */
  readonly shown: string;
}

// A spec without placeholders is filled in as the same object every time, and a check takes longer than everything else here.
const resolved = new WeakMap<Filled, ResolvedAction>();

/**
 * Fills a spec in and adds the keys that it uses to `used`. Throws VALUE_INVALID where the result has not the form of its kind, or has a
 * secret in a command line.
 */
export function resolveAction(
  { kind, at, fill }: ServiceAction,
  manifest: Manifest,
  tree: Branch,
  used: Set<string>,
): ResolvedAction {
  const filled = fill(tree);
  for (const key of filled.used) used.add(key);
  const known = resolved.get(filled);
  if (known !== undefined) return known;
  const spec = checkFilled();
  for (const field of ["argv", "command"] as const) {
    const path = [...at, field];
    const take = (filled: unknown): unknown => (filled as { readonly [field]?: unknown })[field];
    refuseSecretArguments(filled, { name: path.join("."), place: () => manifest.placeOf(path), take });
  }
  // Where a secret stands for something with a form of its own, such as a port, its tag has not: then the kind says enough.
  const masked = kind.schema.safeParse(filled.masked);
  const action = { kind: kind.kind, spec, shown: masked.success ? kind.describe(masked.data as never) : kind.kind };
  resolved.set(filled, action);
  return action;

  function checkFilled(): unknown {
    try {
      return checkShape(filled.value, kind.schema, { code: "VALUE_INVALID", placeOf: manifest.placeOf, at });
    } catch (error) {
      const keys = filled.used.join(" + ");
      throw keys === "" ? error : asConfigSyncError(error).with({ key: keys, hint: `Look at the value of ${keys}` });
    }
  }
}
