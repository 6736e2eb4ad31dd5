/**
 * The secrets that services may still say something of: those of the newest values, of the ones before, and of whatever each service was
 * last healthy on, which can be any number of refused changes back, or before the start of this process.
 */
import type { Door } from "../apps/door.ts";
import { type Snapshot, secretTexts } from "../config/layers.ts";
import { type Redact, redactor } from "../config/secret.ts";
import type { Ledger } from "./ledger.ts";
import type { Renderings } from "./renderings.ts";

export interface KnownSecrets {
  /** These values are in force from now on. The first time it may have to ask the history, before any service is spoken to. */
  readonly takeUp: (found: Snapshot, rendered: Renderings) => Promise<void>;
  readonly redact: Redact;
}

export interface KnownSecretsParts {
  readonly names: readonly string[];
  readonly ledger: Pick<Ledger, "record" | "revision">;
  readonly door: Pick<Door, "revisions" | "read">;
}

export function createKnownSecrets({ names, ledger, door }: KnownSecretsParts): KnownSecrets {
  /** By the number of a revision that a service is healthy on. Where secrets do not change, all are the same array. */
  const live = new Map<number, readonly string[]>();
  let latest: readonly string[] | undefined;
  let redact = redactor([]);

  const takeUp = async (found: Snapshot, rendered: Renderings): Promise<void> => {
    const before = latest;
    const texts = secretTexts(found);
    if (before === undefined) await recall(rendered);
    else rememberLive(before);
    latest = before !== undefined && isSame(before, texts) ? before : texts;
    redact = redactor(new Set([...live.values(), before ?? [], latest].flat()));
  };

  /** Whoever became healthy since values were taken up before did so on those. The last one still may. */
  const rememberLive = (before: readonly string[]): void => {
    const last = ledger.revision()?.number;
    const used = new Set([last, ...names.map((name) => ledger.record(name).healthy?.revision)]);
    for (const number of live.keys()) if (!used.has(number)) live.delete(number);
    for (const number of used) if (number !== undefined && !live.has(number)) live.set(number, before);
  };

  /** After a start: what the services are on that have something to do. A history that cannot be read knows of none. */
  const recall = async (rendered: Renderings): Promise<void> => {
    const behind = names.flatMap((name) => {
      const { healthy, healthyOn } = ledger.record(name);
      return healthyOn === rendered.get(name)?.wanted?.service.fingerprint ? [] : [healthy?.revision];
    });
    // A change that was broken off may have written what nobody was healthy on yet.
    const numbers = behind.length === 0 ? [] : [...behind, ledger.revision()?.number];
    for (const number of new Set(numbers)) {
      const revision = number === undefined ? undefined : await door.revisions.get(number).catch(() => undefined);
      if (revision !== undefined) live.set(revision.number, readSecrets(door, revision));
    }
  };

  return { takeUp, redact: (text) => redact(text) };
}

/** A revision whose documents can no longer be read has none that could be known. */
function readSecrets(door: Pick<Door, "read">, revision: Parameters<Door["read"]>[0]): readonly string[] {
  try {
    return secretTexts(door.read(revision));
  } catch {
    return [];
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
