/** Ports that are to be opened newly, while another program of this host listens on them. */
import type { Digest, Snapshot } from "../config/layers.ts";
import { filled } from "../config/rules/rule.ts";
import { reveal } from "../config/secret.ts";
import { host, type KeySchema, type ValueSchema } from "../config/value-schema.ts";
import { findListeners, type Listener } from "../platform/listeners.ts";
import type { ServiceRecord } from "./record.ts";

/** What the services run on at this moment. */
export interface Loaded {
  /** One a service. */
  readonly keys: readonly ServiceRecord["keys"][];
  readonly digest: Digest;
}

export function loadedBy(
  services: readonly { readonly name: string }[],
  ledger: { readonly record: (service: string) => Pick<ServiceRecord, "keys"> },
  digest: Digest,
): Loaded {
  return { keys: services.map(({ name }) => ledger.record(name).keys), digest };
}

/**
 * By key. A port that some service of ours has loaded is its own, also where two of them change ports; and what no service was
 * ever given is left alone, because its program may have run before anybody wrote its port down here.
 */
export async function findTakenPorts(
  { keys }: Pick<ValueSchema, "keys">,
  snapshot: Snapshot,
  loaded: Loaded,
): Promise<ReadonlyMap<string, Listener>> {
  const listed = keys.filter(({ type, network }) => type.name === "port" && network === host);
  const ours = new Set(listed.flatMap(({ key }) => loaded.keys.flatMap((own) => own[key] ?? [])));
  const asked = listed.flatMap(({ key, type }: KeySchema) => {
    const entry = filled(snapshot, key);
    const text = entry && reveal(entry.value);
    if (text === undefined || type.problem(text) !== undefined || ours.has(loaded.digest(text))) return [];
    return loaded.keys.some((own) => own[key] !== undefined) ? [{ key, port: Number(text) }] : [];
  });
  const listeners = await findListeners(asked.map(({ port }) => port));
  return new Map(
    asked.flatMap(({ key, port }) => {
      const listener = listeners.get(port);
      return listener === undefined ? [] : [[key, listener] as const];
    }),
  );
}
