/**
 * The text of the ledger: a header with the version, then the newest record of a service a line; the last line of a service
 * counts. Each line ends with a sum over the rest of it, so that garbage which happens to be JSON is never taken for a record:
 * a way back would write it into a service's file.
 *
 * Versions. A newer daemon reads what older ones wrote, and writes its own version at its start: so each version that there
 * was has its way of reading a line below. Fields that a record did not have yet get their empty value; a version is counted up only where
 * that is not enough. What a newer daemon wrote is not guessed at. Since version 3 some fields of a record may be sealed, see `sealed-record.ts`.
 */
import { hash } from "node:crypto";
import { emptyRecord, type Revision, type ServiceRecord } from "./record.ts";
import type { RecordSealing, WrittenRecord } from "./sealed-record.ts";

const version = 3;

export interface Contents {
  revision: Revision | undefined;
  readonly records: Map<string, ServiceRecord>;
}

type Line = { readonly service: string; readonly record: Partial<WrittenRecord> } | { readonly revision: Revision };

/** Reads what can be read. `mended` gets a sentence for whatever cannot, for the log. */
export function parseLedger(
  text: string,
  mended: string[],
  sealing: Pick<RecordSealing, "open" | "tellLosses">,
): Contents {
  const written = new Map<string, Partial<WrittenRecord>>();
  const contents: Contents = { revision: undefined, records: new Map() };
  const [header = "", ...lines] = text.split("\n");
  if (text === "") return contents;
  const form = parseJson(header)?.ledger;
  const isNewer = typeof form === "number" && form > version;
  if (isNewer) {
    mended.push(`the ledger is of the newer version ${form}: every service will be loaded once more`);
    return contents;
  }
  if (form === undefined) mended.push("line 1 of the ledger was torn and is dropped");
  const read = form === 1 ? parseJson : parseSummed;
  lines.forEach((line, index) => {
    if (line === "") return;
    const entry = asLine(read(line));
    if (entry === undefined) mended.push(`line ${index + 2} of the ledger was torn and is dropped`);
    else if ("revision" in entry) contents.revision = entry.revision;
    else written.set(entry.service, entry.record);
  });
  for (const [service, record] of written)
    contents.records.set(service, { ...emptyRecord, ...sealing.open(service, record) });
  sealing.tellLosses();
  contents.revision ??= newestKnown(contents.records);
  return contents;
}

export function formatLedger({ revision, records }: Contents, { close }: Pick<RecordSealing, "close">): string {
  const lines = [`${JSON.stringify({ ledger: version })}\n`];
  if (revision !== undefined) lines.push(formatLine({ revision }));
  for (const [service, record] of records) lines.push(formatLine({ service, record: close(service, record) }));
  return lines.join("");
}

export function formatLine(line: Line): string {
  const body = JSON.stringify(line).slice(0, -1);
  return `${body},"sum":"${sumOf(body)}"}\n`;
}

/** Since version 2: a sum behind it. */
function parseSummed(line: string): Record<string, unknown> | undefined {
  const body = line.slice(0, -tail);
  return line.slice(-tail) === `,"sum":"${sumOf(body)}"}` ? parseJson(`${body}}`) : undefined;
}

const sumLength = 16;
const tail = `,"sum":"${"0".repeat(sumLength)}"}`.length;

function sumOf(body: string): string {
  return hash("sha256", body).slice(0, sumLength);
}

/** Version 1: JSON and nothing else. */
function parseJson(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function asLine(value: Record<string, unknown> | undefined): Line | undefined {
  if (value === undefined) return undefined;
  const { service, record, revision } = value;
  const isLine = isObject(revision)
    ? typeof revision.number === "number"
    : typeof service === "string" && isObject(record);
  return isLine ? (value as Line) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The revision's own line is lost: numbers go on behind those that services were given, so that none is there twice. */
function newestKnown(records: ReadonlyMap<string, ServiceRecord>): Revision | undefined {
  const numbers = [...records.values()].flatMap(({ desired, healthy }) => [
    desired?.revision ?? 0,
    healthy?.revision ?? 0,
  ]);
  const number = Math.max(0, ...numbers);
  return number === 0 ? undefined : { number, hash: "", at: 0 };
}
