/** Services that change together or not at all: where one of a group fails, those that were healthy already go back with it. */
import type { Clock } from "../platform/clock.ts";
import type { Service } from "../services/catalog.ts";
import { joinFiles } from "./files.ts";
import type { Ledger } from "./ledger.ts";
import type { Quarantine, ServiceRecord, Standby, Undo } from "./record.ts";
import type { Rendering } from "./renderings.ts";

/** For each service of a group the others of it. Who names another is in a group with it, and with whom that one names. */
export function findGroups(services: readonly Service[]): ReadonlyMap<string, readonly string[]> {
  const neighbours = new Map(services.map(({ name }) => [name, new Set<string>()]));
  for (const { name, manifest } of services) {
    for (const other of manifest.together) {
      neighbours.get(name)?.add(other);
      neighbours.get(other)?.add(name);
    }
  }
  const reach = (name: string, found = new Set<string>()): Set<string> => {
    if (found.has(name) || !neighbours.has(name)) return found;
    found.add(name);
    for (const other of neighbours.get(name) ?? []) reach(other, found);
    return found;
  };
  const groups = services.map(({ name }) => [name, [...reach(name)].filter((other) => other !== name)] as const);
  return new Map(groups.filter(([, mates]) => mates.length > 0));
}

export interface Together {
  readonly mates: (service: string) => readonly string[];
  /**
   * Brings the record of a service in line with its group before its turn: what another one's failure took from it, and what that
   * one's recovery gives back.
   */
  readonly align: (service: string) => Promise<void>;
  /** The first of its group that has no rendering to go on with, while this service has something new to do. */
  readonly awaited: (service: string) => string | undefined;
  /** The service was found to be healthy on what it should be on. */
  readonly noteWell: (service: string) => void;
  /** There is nothing that the service could be on: it waits for files of others. */
  readonly noteAbsent: (service: string) => void;
}

export interface TogetherParts {
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly rendering: (service: string) => Rendering | undefined;
}

export function createTogether({ groups, ledger, clock, rendering }: TogetherParts): Together {
  const absent = new Set<string>();
  const mates = (service: string): readonly string[] => groups.get(service) ?? [];
  const wantedOf = (service: string): string | undefined => rendering(service)?.wanted?.service.fingerprint;

  /** Its own failure, not one that it shares, with what is wanted now. */
  const failureOf = (service: string): Quarantine | undefined => {
    const { quarantine } = ledger.record(service);
    const counts = quarantine?.because === undefined && quarantine?.fingerprint === wantedOf(service);
    return counts ? quarantine : undefined;
  };

  const hasNews = (service: string): boolean => ledger.record(service).healthyOn !== wantedOf(service);

  const align = async (service: string): Promise<void> => {
    const { quarantine, standby } = ledger.record(service);
    const { because } = quarantine ?? {};
    if (because !== undefined && failureOf(because.service)?.fingerprint !== because.fingerprint)
      ledger.update(service, { quarantine: undefined, trouble: undefined });
    const failed = mates(service).find((mate) => failureOf(mate) !== undefined);
    const failure = failed === undefined ? undefined : failureOf(failed);
    if (failed === undefined || failure === undefined || failureOf(service) !== undefined) return;
    const isHeld = ledger.record(service).quarantine?.fingerprint === wantedOf(service);
    if (isHeld || (standby === undefined && !hasNews(service))) return;
    ledger.update(service, { ...wayBack(ledger.record(service)), ...shareFailure(service, failed, failure) });
    await ledger.flush();
  };

  const shareFailure = (service: string, failed: string, failure: Quarantine): Partial<ServiceRecord> => {
    const { standby, undo } = ledger.record(service);
    const reason = `it changes together with ${failed}, which failed: ${failure.reason}`;
    const at = clock.now();
    return {
      quarantine: {
        fingerprint: wantedOf(service) ?? "",
        revision: failure.revision,
        refused: standby === undefined && undo === undefined,
        reason,
        at,
        because: { service: failed, fingerprint: failure.fingerprint },
      },
      trouble: { code: "UNHEALTHY", message: reason, at },
    };
  };

  const noteWell = (service: string): void => {
    absent.delete(service);
    forgetStandby(service);
  };

  const noteAbsent = (service: string): void => {
    absent.add(service);
    forgetStandby(service);
  };

  const forgetStandby = (service: string): void => {
    const group = [service, ...mates(service)];
    if (!group.every(isWell)) return;
    for (const member of group)
      if (ledger.record(member).standby !== undefined) ledger.update(member, { standby: undefined });
  };

  const isWell = (service: string): boolean => {
    const { undo, quarantine } = ledger.record(service);
    const settled = undo === undefined && quarantine === undefined && rendering(service)?.error === undefined;
    return settled && (!hasNews(service) || absent.has(service));
  };

  return {
    mates,
    align,
    awaited: (service) =>
      hasNews(service) ? mates(service).find((mate) => rendering(mate)?.error !== undefined) : undefined,
    noteWell,
    noteAbsent,
  };
}

/** What is on standby becomes the way that is gone. Without a standby the service goes back to where it was itself. */
function wayBack({ standby, undo }: ServiceRecord): Partial<ServiceRecord> {
  if (standby === undefined) return {};
  const { undo: kept, ...state } = standby;
  return { ...state, undo: joinUndo(kept, undo), standby: undefined };
}

/** The way back of a service that is healthy now, for as long as its group is not: to where the whole group was healthy. */
export function keepWayBack({ standby, undo, healthy, healthyOn, actions }: ServiceRecord): Standby | undefined {
  if (undo === undefined) return standby;
  return standby === undefined
    ? { undo, healthy, healthyOn, actions }
    : { ...standby, undo: joinUndo(standby.undo, undo) };
}

function joinUndo(older: Undo, newer: Undo | undefined): Undo {
  if (newer === undefined) return older;
  return {
    ...older,
    files: joinFiles(older.files, newer.files),
    rule: Math.max(older.rule, newer.rule),
  };
}
