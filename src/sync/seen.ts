import { existsSync, statSync } from "node:fs";
import type { RenderedService } from "../services/render.ts";
import type { ServiceRecord } from "./record.ts";
import type { Wanted } from "./renderings.ts";

/**
 * What was found right stays right while its files, what is wanted and what is known of the service stay the same: then a look costs
 * one stat a file, instead of a read, a merge and a digest.
 */
export interface Seen {
  readonly isUnchanged: (wanted: Wanted, record: ServiceRecord) => boolean;
  /** `stamp` was taken before the look that found all in order. */
  readonly remember: (wanted: Wanted, record: ServiceRecord, stamp: string | undefined) => void;
}

interface Sight {
  readonly wanted: Wanted;
  readonly record: ServiceRecord;
  readonly stamp: string;
}

export function createSeen(): Seen {
  const sights = new Map<string, Sight>();
  return {
    isUnchanged: (wanted, record) => {
      const sight = sights.get(wanted.service.name);
      return sight?.wanted === wanted && sight.record === record && sight.stamp === stampOutputs(wanted.service);
    },
    remember: (wanted, record, stamp) => {
      if (stamp === undefined) sights.delete(wanted.service.name);
      else sights.set(wanted.service.name, { wanted, record, stamp });
    },
  };
}

/** Kernels stamp a change with their tick, up to 10 ms: what was changed just now can change again and keep its stamp. */
const tooFresh = 50;

/** What the file system says of a service's files without their content. Undefined while nothing can be concluded from it. */
export function stampOutputs({ outputs }: RenderedService): string | undefined {
  let stamp = "";
  try {
    for (const { path, requires } of outputs) {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats !== undefined && Date.now() - stats.ctimeMs < tooFresh) return undefined;
      stamp +=
        stats === undefined ? "-;" : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs};`;
      for (const file of requires) stamp += existsSync(file) ? "y" : "n";
    }
    return stamp;
  } catch {
    // The look that follows says what is wrong.
    return undefined;
  }
}
