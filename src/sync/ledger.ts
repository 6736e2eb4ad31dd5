/**
 * How far each service got: one record a service, kept in memory and on disk. A lost file costs one reload a service: what is
 * not known to be loaded is loaded again.
 */
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Key } from "../config/encryption.ts";
import { asConfigSyncError, ConfigSyncError, systemCode } from "../errors.ts";
import { removeLeftovers } from "../platform/safe-write.ts";
import { openLedgerFile } from "./ledger-file.ts";
import { type Contents, formatLedger, formatLine, parseLedger } from "./ledger-lines.ts";
import { emptyRecord, type Revision, type ServiceRecord } from "./record.ts";
import { type RecordSealing, sealRecords } from "./sealed-record.ts";

export interface Ledger {
  readonly revision: () => Revision | undefined;
  /** The record of a service; a fresh one for a service that was never seen. */
  readonly record: (service: string) => ServiceRecord;
  /** Remembers the change at once; it is on disk soon. */
  readonly update: (service: string, change: Partial<ServiceRecord>) => ServiceRecord;
  readonly setRevision: (revision: Revision) => void;
  /** Resolves when everything said so far would survive a power cut. Throws WRITE_FAILED; what was said is tried again then. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** What was wrong with the file and is mended now, or what is wrong with it still; for the log. */
  readonly mended: readonly string[];
}

/**
 * Takes the ledger over, for who has the state folder to itself. Throws STATE_UNUSABLE where it is there and cannot be read, for it
 * may hold a way back. Where it cannot be written only that is told: what needs it on disk waits until it can. `keys` seal what can
 * hold secret values.
 */
export async function openLedger(path: string, keys?: () => readonly Key[]): Promise<Ledger> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mended = removeLeftovers(dirname(path));
  const sealing = sealRecords(keys, (text) => mended.push(text));
  const contents = parseLedger(await readIfThere(path), mended, sealing);
  const file = openLedgerFile(path, {
    whole: () => formatLedger(contents, sealing),
    line: (service) => formatNewest(service, contents, sealing),
  });
  await file.flush().catch((error: unknown) => mended.push(asConfigSyncError(error).toText()));
  return {
    mended,
    ...readers(contents),
    update: (service, change) => {
      const record = { ...(contents.records.get(service) ?? emptyRecord), ...change };
      contents.records.set(service, record);
      sealing.replace(service, change);
      file.touch(service);
      return record;
    },
    setRevision: (revision) => {
      contents.revision = revision;
      file.touch(undefined);
    },
    flush: file.flush,
    close: file.close,
  };
}

/** The records as they are on disk, without taking the file over: for commands beside a running daemon. */
export async function readLedger(
  path: string,
  keys?: () => readonly Key[],
): Promise<Pick<Ledger, "revision" | "record" | "mended">> {
  const mended: string[] = [];
  const sealing = sealRecords(keys, (text) => mended.push(text));
  return { ...readers(parseLedger(await readIfThere(path), mended, sealing)), mended };
}

function readers(contents: Contents): Pick<Ledger, "revision" | "record"> {
  return {
    revision: () => contents.revision,
    record: (service) => contents.records.get(service) ?? emptyRecord,
  };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw new ConfigSyncError("STATE_UNUSABLE", `${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The record of a service, or with undefined the revision. */
function formatNewest(
  service: string | undefined,
  { revision, records }: Contents,
  { close }: Pick<RecordSealing, "close">,
): string {
  if (service !== undefined)
    return formatLine({ service, record: close(service, records.get(service) ?? emptyRecord) });
  return revision === undefined ? "" : formatLine({ revision });
}
