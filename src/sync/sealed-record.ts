/**
 * The fields of a service's record that can hold secret values (previous bytes of files, filled-in reloads and probes), as they stand on
 * disk: each sealed as a whole where there is a key, else in clear.
 */
import { isSealed, type Key, keyIdOf, open, seal } from "../config/encryption.ts";
import { formatPath } from "../config/path.ts";
import { asConfigSyncError } from "../errors.ts";
import type { ServiceRecord } from "./record.ts";

export interface RecordSealing {
  /** The record as it is to stand on disk. */
  readonly close: (service: string, record: ServiceRecord) => Partial<WrittenRecord>;
  /** The record behind it. What cannot be opened is left out; it is written again as it stood until it is replaced. */
  readonly open: (service: string, written: Partial<WrittenRecord>) => Partial<ServiceRecord>;
  /** These fields have been said anew. */
  readonly replace: (service: string, change: Partial<ServiceRecord>) => void;
  /** Tells what could not be opened: a sentence a field and reason, with the services. */
  readonly tellLosses: () => void;
}

export type WrittenRecord = { readonly [Name in keyof ServiceRecord]: ServiceRecord[Name] | string };

const fields = ["undo", "actions", "standby"] as const;
type Field = (typeof fields)[number];

/** What is lost with a field. */
const losses: Readonly<Record<Field, string>> = {
  undo: "Where the change that is under way fails, the files cannot be taken back",
  actions: "Where a change fails, going back reloads and probes as the new values say",
  standby: "Where another service of the group fails, there is no going back with it",
};

/** `keys`: the first seals, all open; undefined where nothing is to be sealed. Throws KEY_UNUSABLE, which is told. */
export function sealRecords(
  keys: (() => readonly Key[]) | undefined,
  tell: (text: string) => void = () => undefined,
): RecordSealing {
  const unopened = new Map<string, Map<Field, string>>();
  const lost = new Map<string, string[]>();
  // Records are never changed in place: as long as a field is the same object, so is its text.
  const sealed = new WeakMap<object, { readonly text: string; readonly id: string }>();
  const known = keys === undefined ? (): readonly Key[] => [] : rememberKeys(keys, tell);
  known();

  const closeField = (service: string, field: Field, value: object, key: Key): string => {
    const kept = sealed.get(value);
    if (kept?.id === key.id) return kept.text;
    const text = seal(JSON.stringify(value), key, seatOf(service, field));
    sealed.set(value, { text, id: key.id });
    return text;
  };

  const openField = (service: string, field: Field, text: string): unknown => {
    try {
      const value: unknown = JSON.parse(open(text, known(), seatOf(service, field)));
      if (typeof value === "object" && value !== null) sealed.set(value, { text, id: keyIdOf(text) ?? "" });
      return value;
    } catch (error) {
      unopened.set(service, (unopened.get(service) ?? new Map<Field, string>()).set(field, text));
      const why = asConfigSyncError(error).message.replace(`${formatPath([service, field])} `, "");
      const loss = `${field} ${why}. ${losses[field]}. With that key in its place again, start anew`;
      lost.set(loss, [...(lost.get(loss) ?? []), service]);
      return undefined;
    }
  };

  return {
    close: (service, record) => {
      const left = unopened.get(service);
      const [key] = known();
      if (key === undefined && left === undefined) return record;
      const written: Partial<Record<Field, unknown>> = {};
      for (const field of fields) {
        const value = record[field];
        if (value === undefined) written[field] = left?.get(field);
        else written[field] = key === undefined ? value : closeField(service, field, value, key);
      }
      return { ...record, ...(written as Partial<WrittenRecord>) };
    },
    open: (service, written) => {
      const read: Partial<Record<Field, unknown>> = {};
      for (const field of fields) {
        const value = written[field];
        if (typeof value === "string") read[field] = isSealed(value) ? openField(service, field, value) : undefined;
      }
      return { ...written, ...read } as Partial<ServiceRecord>;
    },
    tellLosses: () => {
      for (const [loss, [service, ...more]] of lost)
        tell(`in the ledger of ${service}${more.length === 0 ? "" : ` and ${more.length} more`}, ${loss}`);
    },
    replace: (service, change) => {
      if (unopened.size === 0) return;
      for (const field of fields) if (field in change) unopened.get(service)?.delete(field);
    },
  };
}

/** No app is called so: a value of a configuration cannot be taken for a field of the ledger, nor the other way round. */
function seatOf(service: string, field: Field) {
  return { app: "state:ledger", path: [service, field] };
}

/** Milliseconds until the file of keys is looked at again: a line of the ledger is written several times a change. */
const fresh = 1000;

/** The newest keys that could be had. Where there never were any, nothing is sealed, and that is told once. */
function rememberKeys(read: () => readonly Key[], tell: (text: string) => void): () => readonly Key[] {
  let keys: readonly Key[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let isTold = false;
  return () => {
    const now = performance.now();
    if (now - readAt < fresh) return keys;
    readAt = now;
    try {
      keys = read();
    } catch (error) {
      if (keys.length === 0 && !isTold) tell(`the ledger is written in clear: ${asConfigSyncError(error).toText()}`);
      isTold = true;
    }
    return keys;
  };
}
