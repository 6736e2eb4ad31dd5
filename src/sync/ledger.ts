/**
 * How far each service got: one record a service, kept in memory and on disk.
 *
 * The file is a journal of JSON lines, a header with the version and then the newest record of a service a line; the last
 * line of a service counts. Appending lets many services share one fsync, and a line torn by a crash is simply not there.
 * It is rewritten whole (and atomically) at start and when it has grown. A lost file costs one reload a service: what is not
 * known to be loaded is loaded again.
 */
import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { reached } from "../platform/reached.ts";
import { writeDurably } from "../platform/safe-write.ts";
import { emptyRecord, type Revision, type ServiceRecord } from "./record.ts";

const version = 1;
const compactAbove = 4 * 1024 * 1024;

export interface Ledger {
  readonly revision: () => Revision | undefined;
  /** The record of a service; a fresh one for a service that was never seen. */
  readonly record: (service: string) => ServiceRecord;
  /** Remembers the change at once; it is on disk soon. */
  readonly update: (service: string, change: Partial<ServiceRecord>) => ServiceRecord;
  readonly setRevision: (revision: Revision) => void;
  /** Resolves when everything said so far would survive a power cut. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** What was wrong with the file and is mended now; for the log. */
  readonly mended: readonly string[];
}

type Line = { readonly service: string; readonly record: ServiceRecord } | { readonly revision: Revision };

interface Contents {
  revision: Revision | undefined;
  readonly records: Map<string, ServiceRecord>;
}

export async function openLedger(path: string): Promise<Ledger> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mended: string[] = [];
  const contents = parseLedger(await readIfThere(path), mended);
  const journal = await startJournal(path, contents);
  return {
    mended,
    revision: () => contents.revision,
    record: (service) => contents.records.get(service) ?? emptyRecord,
    update: (service, change) => {
      const record = { ...(contents.records.get(service) ?? emptyRecord), ...change };
      contents.records.set(service, record);
      journal.touch(service);
      return record;
    },
    setRevision: (revision) => {
      contents.revision = revision;
      journal.touch(undefined);
    },
    flush: journal.flush,
    close: journal.close,
  };
}

/** The records as they are on disk, without taking the file over: for commands beside a running daemon. */
export async function readLedger(path: string): Promise<Pick<Ledger, "revision" | "record">> {
  const contents = parseLedger(await readIfThere(path), []);
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

function parseLedger(text: string, mended: string[]): Contents {
  const contents: Contents = { revision: undefined, records: new Map() };
  const [header, ...lines] = text.split("\n");
  if (header === undefined || header === "") return contents;
  if (parseLine(header)?.ledger !== version) {
    mended.push("the ledger is of another version: every service will be loaded once more");
    return contents;
  }
  lines.forEach((line, index) => {
    if (line === "") return;
    const entry = parseLine(line) as Line | undefined;
    if (entry === undefined) mended.push(`line ${index + 2} of the ledger was torn and is dropped`);
    else if ("revision" in entry) contents.revision = entry.revision;
    else contents.records.set(entry.service, { ...emptyRecord, ...entry.record });
  });
  return contents;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function formatLedger({ revision, records }: Contents): string {
  const lines: unknown[] = [{ ledger: version }];
  if (revision !== undefined) lines.push({ revision });
  for (const [service, record] of records) lines.push({ service, record });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

interface Journal {
  /** The service's record, or with undefined the revision, is to be written as it is then. */
  readonly touch: (service: string | undefined) => void;
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Milliseconds until what nobody waits for is written: by then most services are through their turn. */
const lazily = 50;

/**
 * Group commit: whatever was touched while one round ran goes out with the next, one line a record. Only a round that somebody
 * waits for is fsynced; what a power cut takes from the others is found out again by looking.
 */
async function startJournal(path: string, contents: Contents): Promise<Journal> {
  const touched = new Set<string | undefined>();
  let handle: FileHandle | undefined;
  let size = Number.POSITIVE_INFINITY;
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let isUrgent = false;
  let unsynced = false;
  let timer: NodeJS.Timeout | undefined;

  const writeRound = async (): Promise<void> => {
    const urgent = isUrgent;
    const lines = [...touched].map((service) => formatLine(service, contents)).join("");
    next = undefined;
    isUrgent = false;
    touched.clear();
    try {
      if (size + lines.length > compactAbove) await rewrite();
      else await append(lines, urgent);
    } catch (error) {
      // What could not be appended is in memory: the next round that works brings the whole file up to date.
      size = Number.POSITIVE_INFINITY;
      throw error;
    }
  };

  const append = async (lines: string, urgent: boolean): Promise<void> => {
    if (!urgent) unsynced = true;
    if (lines !== "") await handle?.appendFile(lines);
    reached("ledger-appended");
    size += lines.length;
    if (!urgent) return;
    await handle?.datasync();
    reached("ledger-synced");
    unsynced = false;
  };

  const rewrite = async (): Promise<void> => {
    await handle?.close();
    handle = undefined;
    const text = formatLedger(contents);
    await writeDurably(path, text);
    reached("ledger-replaced");
    handle = await open(path, "a", 0o600);
    // A ledger whose live records alone exceed the limit must not be rewritten at every line.
    size = Math.min(text.length, compactAbove / 2);
    unsynced = false;
  };

  const startRound = (urgent: boolean): Promise<void> => {
    isUrgent ||= urgent;
    next ??= current = current.catch(() => undefined).then(writeRound);
    return next;
  };

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    return touched.size > 0 || unsynced || size === Number.POSITIVE_INFINITY ? startRound(true) : current;
  };

  await writeRound();
  return {
    touch: (service) => {
      touched.add(service);
      // The failure is met by whoever waits for durability; what only wants to be remembered goes on in memory.
      timer ??= setTimeout(() => {
        timer = undefined;
        startRound(false).catch(() => undefined);
      }, lazily).unref();
    },
    flush,
    close: async () => {
      await flush();
      await handle?.close();
      handle = undefined;
    },
  };
}

function formatLine(service: string | undefined, { revision, records }: Contents): string {
  const line = service === undefined ? { revision } : { service, record: records.get(service) };
  return `${JSON.stringify(line)}\n`;
}
