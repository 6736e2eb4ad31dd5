/** What the daemon itself puts on record: what came by hand or by drift, and not through the API. */
import type { Changed } from "../apps/change.ts";
import type { Door } from "../apps/door.ts";
import type { Audit } from "../audit/audit.ts";
import type { Link, Told } from "../audit/entry.ts";
import { type Snapshot, secretTexts } from "../config/layers.ts";
import { type Redact, redactor } from "../config/secret.ts";
import { asConfigSyncError } from "../errors.ts";
import { systemClock } from "../platform/clock.ts";
import { once } from "../platform/once.ts";

export interface Auditing {
  /** Resolves when it is on disk. Throws WRITE_FAILED, STATE_UNUSABLE. */
  readonly append: (told: Told) => Promise<void>;
  /** For what nobody waits for: it is written soon, and where that fails, `onTrouble` is told. */
  readonly note: (told: Told) => void;
  /** The end of the log as it is now; undefined where there is none. */
  readonly head: () => Promise<Link | undefined>;
  readonly settled: () => Promise<void>;
}

export interface AuditingOptions {
  readonly state: string;
  /** The values in force: what of them is, or was, secret is masked in reasons. */
  readonly snapshot: () => Snapshot | undefined;
  readonly onTrouble: (text: string) => void;
}

/** Loaded with the first entry: the start of the daemon does without. */
export function createAuditing({ state, snapshot, onTrouble }: AuditingOptions): Auditing {
  let audit: Audit | undefined;
  const opened = once(async () => {
    const [{ openAudit }, { auditFolder }] = await Promise.all([
      import("../audit/audit.ts"),
      import("../audit/files.ts"),
    ]);
    audit = openAudit({ folder: auditFolder(state), clock: systemClock });
    return audit;
  });
  const underWay = new Set<Promise<void>>();
  const mask = createMask(snapshot);
  let noted: Told[] = [];
  let soon: NodeJS.Timeout | undefined;

  const write = async (told: Told): Promise<void> => {
    const { append } = await opened();
    await append({ ...told, why: told.why === undefined ? undefined : mask(told.why) });
  };

  const writeNoted = (): void => {
    clearTimeout(soon);
    soon = undefined;
    const batch = noted;
    noted = [];
    for (const told of batch) {
      const done = write(told)
        .catch((error: unknown) => onTrouble(`${told.what} is not on record: ${asConfigSyncError(error).message}`))
        .finally(() => underWay.delete(done));
      underWay.add(done);
    }
  };

  return {
    append: (told) => {
      writeNoted();
      return write(told);
    },
    note: (told) => {
      noted.push(told);
      soon ??= setTimeout(writeNoted, writeAfter);
    },
    head: async () => {
      const { auditFolder, readHead } = await import("../audit/files.ts");
      const head = readHead(auditFolder(state));
      return head === "damaged" ? undefined : head;
    },
    settled: async () => {
      writeNoted();
      await Promise.all(underWay);
      await audit?.settled();
    },
  };
}

/** Milliseconds: the services come first, on the same disk. What a crash keeps from it is put on record at the next start. */
const writeAfter = 50;

const mostRemembered = 1000;

/** Reasons also speak of secrets that are not in force any more: the latest of this process's time are remembered. */
function createMask(snapshot: AuditingOptions["snapshot"]): Redact {
  let known: ReadonlySet<string> = new Set();
  let last: Snapshot | undefined;
  let redact = redactor(known);
  return (text) => {
    const now = snapshot();
    if (now === last || now === undefined) return redact(text);
    last = now;
    const present = new Set(secretTexts(now));
    if ([...present].every((secret) => known.has(secret))) return redact(text);
    const former = [...known].filter((secret) => !present.has(secret));
    known = new Set([...former.slice(-mostRemembered), ...present]);
    redact = redactor(known);
    return redact(text);
  };
}

/** A change that nobody made through the API. */
export function actOfFile(app: string, { revision, changes }: Changed): Told {
  const { author, message, number } = revision;
  const keys = changes.map(({ key }) => key);
  const who = { name: author, kind: "file" };
  return { who, from: "file", what: "change", why: message, app, revision: number, keys, outcome: "done" };
}

/** The door for the engine, whose changes are adopted drift. */
export function recordAdopted(door: Door, append: Auditing["append"]): Door {
  return {
    ...door,
    change: async (request) => {
      const changed = await door.change(request);
      await append(actOfFile(door.name, changed));
      return changed;
    },
  };
}
