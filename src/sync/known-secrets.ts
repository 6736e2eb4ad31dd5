/**
 * The secrets that services may still say something of: those of the newest values, of the ones before, and of whatever each service was
 * last healthy on, which can be any number of refused changes back, or before the start of this process.
 */
import type { Door } from "../apps/door.ts";
import { type Snapshot, secretTexts } from "../config/layers.ts";
import { type Redact, redactor } from "../config/secret.ts";
import type { Ledger } from "./ledger.ts";
import type { ServiceRecord } from "./record.ts";

export interface KnownSecrets {
  /** These values are in force from now on. The first time it may have to ask the history, before any service is spoken to. */
  readonly takeUp: (found: Snapshot) => Promise<void>;
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

  const takeUp = async (found: Snapshot): Promise<void> => {
    const before = latest;
    const texts = secretTexts(found);
    if (before === undefined) await recall(found);
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

  /**
   * After a start: what the services are on that may have something to do. None is rendered for that, for the first file would wait. A
   * history that cannot be read knows of none.
   */
  const recall = async (found: Snapshot): Promise<void> => {
    const last = ledger.revision();
    const records = names.map((name) => ledger.record(name));
    const behind = last?.hash === found.hash ? records.filter(isUnfinished) : records;
    // A change that was broken off may have written what nobody was healthy on yet.
    const numbers = behind.length === 0 ? [] : [last?.number, ...behind.map(({ healthy }) => healthy?.revision)];
    const newest = [...new Set(numbers)].filter((number) => number !== undefined).sort((a, b) => b - a);
    for (const number of newest.slice(0, mostRecalled)) {
      const revision = await door.revisions.get(number).catch(() => undefined);
      if (revision !== undefined) live.set(number, readSecrets(door, revision));
    }
  };

  return { takeUp, redact: (text) => redact(text) };
}

/** Revisions: each costs a look into the history before the first service is worked on. */
const mostRecalled = 20;

function isUnfinished({ undo, quarantine, ill, written, healthy }: ServiceRecord): boolean {
  return undo !== undefined || quarantine !== undefined || ill || written?.digest !== healthy?.digest;
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
