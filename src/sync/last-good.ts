import type { Door } from "../apps/door.ts";
import type { Service } from "../services/catalog.ts";
import type { Inputs } from "../services/render.ts";
import type { Ledger } from "./ledger.ts";
import { renderAll, type Wanted } from "./renderings.ts";

/** What services were last healthy on, rendered again from the history: so nothing of it has to be kept. */
export interface LastGood {
  /**
   * Undefined where nobody can say: the service was never healthy, or the revision is not there, or cannot be rendered any more.
   * Templates and environment may be others than then: whoever uses it compares its digest with that of the record.
   */
  readonly find: (service: string) => Promise<Wanted | undefined>;
}

interface Found {
  readonly digest: string;
  readonly wanted: Wanted | undefined;
}

export interface LastGoodParts extends Omit<Inputs, "snapshot"> {
  readonly services: readonly Service[];
  readonly door: Pick<Door, "revisions" | "read">;
  readonly ledger: Pick<Ledger, "record">;
}

export function createLastGood(parts: LastGoodParts): LastGood {
  const { services, door, ledger } = parts;
  /** Of those that are quarantined: every look asks for them. */
  const known = new Map<string, Found>();

  const find = async (name: string): Promise<Wanted | undefined> => {
    const { healthy } = ledger.record(name);
    if (healthy === undefined) return undefined;
    const remembered = known.get(name);
    if (remembered?.digest === healthy.digest) return remembered.wanted;
    for (const other of known.keys()) if (ledger.record(other).quarantine === undefined) known.delete(other);
    const revision = await door.revisions.get(healthy.revision);
    if (revision === undefined) return undefined;
    const snapshot = door.read(revision);
    const own = services.filter((service) => service.name === name);
    const wanted = renderAll(own, { ...parts, snapshot }).get(name)?.wanted;
    known.set(name, { digest: healthy.digest, wanted });
    return wanted;
  };

  return {
    // A history that cannot be read just now is asked again by the next look.
    find: (name) => find(name).catch(() => undefined),
  };
}
