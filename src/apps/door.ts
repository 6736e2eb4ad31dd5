/**
 * The one door to the configuration of an app. Whoever changes it comes through here, one after the other: on the revision that was
 * looked at, checked, every other byte kept, recorded, written; or everything stays as it was. What somebody changes by hand in the
 * files is taken up by the next look, and recorded too.
 */
import { type Change, diffSnapshots } from "../config/diff.ts";
import type { Layer, Snapshot } from "../config/layers.ts";
import type { Path } from "../config/path.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { Draft, History, Revision, RevisionInfo } from "../history/history.ts";
import type { Clock } from "../platform/clock.ts";
import { finishWrites } from "../platform/safe-write.ts";
import type { Source } from "../sources/source.ts";
import type { App, Look } from "./app.ts";
import {
  type Changed,
  type ChangeRequest,
  type RollbackRequest,
  type Sealed,
  type SealRequest,
  type Signature,
  withoutSecrets,
} from "./change.ts";
import { describeOutside } from "./describe-change.ts";
import { finishInterrupted, isOnDisk, isSame, replaceDocuments } from "./documents.ts";
import { oneAfterTheOther } from "./one-after-the-other.ts";
import { isWritable, placeEdits, type Writable, writableSources } from "./place-edits.ts";
import { createRecorder } from "./recorder.ts";
import { restoreDocuments } from "./restore.ts";
import { sealDocuments } from "./seal.ts";

export interface DoorParts {
  readonly app: App;
  readonly history: History;
  readonly clock: Pick<Clock, "now">;
  /** Where writes in place keep their journal. */
  readonly journal: string;
  /** Throws when the configuration must not become this. */
  readonly check?: (candidate: Snapshot, changes: readonly Change[]) => void | Promise<void>;
  /** True for who only looks, perhaps beside the process that has the files to itself: nothing is mended or recorded. */
  readonly looksOnly?: boolean;
  /** The number of the last revision that anything remembers, for a history that has none (any more). */
  readonly lastNumber?: () => number;
  /** Told of what somebody changed by hand, when it is taken up; it is recorded soon. */
  readonly onNoted?: (noted: Changed) => void;
  /** Told what a crash had left behind, a sentence each. */
  readonly onMended?: (text: string) => void;
}

/** A look, and the revision that its snapshot is. */
export interface RevisedLook extends Omit<Look, "documents"> {
  readonly revision: RevisionInfo | undefined;
}

export interface Door {
  readonly name: string;
  /** Looks at the sources; what is new is recorded. Problems of the history stand among the problems, and hold nothing up. */
  readonly look: () => Promise<RevisedLook>;
  /** What the last look, or the last change since, brought. */
  readonly current: () => RevisedLook;
  readonly watch: App["watch"];
  /** Whether a value of this path could be set. */
  readonly isWritable: (path: Path) => boolean;
  /** The configuration as it was by a revision, understood as the sources are today. Throws what is wrong with it today. */
  readonly read: (revision: Revision) => Snapshot;
  /**
   * Sets and removes values. Resolves when it would survive a power cut; the services come after that. Throws and changes nothing:
   * REVISION_MOVED, READ_ONLY, NOT_FOUND, UNREPRESENTABLE, what `check` throws, HISTORY_UNUSABLE, WRITE_FAILED, and what is wrong with
   * the sources as they stand.
   */
  readonly change: (request: ChangeRequest) => Promise<Changed>;
  /** Brings documents back byte for byte, as a new revision; one section of them key by key. Throws as `change` does. */
  readonly rollBack: (request: RollbackRequest) => Promise<Changed>;
  /** Seals values where they stand; what they say stays the same. One revision. Throws as `change` does, and KEY_UNUSABLE. */
  readonly seal: (request: SealRequest) => Promise<Sealed>;
  /** What `change` would do, and nothing is done. */
  readonly rehearse: (request: ChangeRequest) => Promise<{ candidate: Snapshot; changes: readonly Change[] }>;
  /** As they are recorded: what was just taken up is waited for. */
  readonly revisions: {
    readonly get: (number: number) => ReturnType<History["get"]>;
    readonly list: (page: Parameters<History["list"]>[1]) => ReturnType<History["list"]>;
  };
  /** Resolves when what was taken up is recorded. */
  readonly close: () => Promise<void>;
}

export function createDoor(parts: DoorParts): Door {
  const { app, history, clock, journal, check, looksOnly = false, lastNumber = () => 0 } = parts;
  const writable = writableSources(app.sources);
  const alone = oneAfterTheOther();
  const listeners = new Set<() => void>();
  const lookAgain = (): void => {
    for (const listener of listeners) listener();
  };
  const recorder = createRecorder(app.name, history, { lastNumber, onTrouble: lookAgain });
  let current: Snapshot | undefined;
  let problems: readonly ConfigSyncError[] = [];
  /** What stands in the files as far as we know: newer than what the sources loaded, right after a change of ours. */
  let known: ReadonlyMap<string, Buffer> = new Map();
  let opened = false;

  const open = async (): Promise<void> => {
    if (opened) return;
    const mended = looksOnly ? [] : await finishWrites(journal);
    await recorder.open();
    const [head, documents] = [recorder.head(), recorder.documents];
    if (!looksOnly)
      mended.push(...(await finishInterrupted({ writable, journal, head, documents, history, app: app.name })));
    for (const text of mended) parts.onMended?.(text);
    opened = true;
  };

  /** Reading can take a while, until a file rests: whoever wants to change something meanwhile does not wait for that. */
  const look = async (): Promise<RevisedLook> => {
    const trouble = await alone(() => open().then(recorder.trouble, asUnusable));
    const found = await app.look();
    return alone(() => take(found, trouble));
  };

  const take = async ({ snapshot, documents, ...found }: Look, trouble?: ConfigSyncError): Promise<RevisedLook> => {
    problems = trouble === undefined ? found.problems : [...found.problems, trouble];
    const isGood = snapshot !== undefined && found.problems.length === 0;
    // What was written since it was read is looked at next: whoever wrote it hinted at it.
    if (
      isGood &&
      app.sources.every(({ name, document }) => document === undefined || isOnDisk(document, documents.get(name)))
    ) {
      const changes = current && diffSnapshots(current, snapshot);
      current = snapshot;
      known = documents;
      if (opened && !looksOnly) await noteIfNew(snapshot, changes);
    }
    return now();
  };

  const now = (): RevisedLook => ({ snapshot: current, revision: opened ? recorder.head() : undefined, problems });

  /** Values tell at once whether there is news; whether a comment changed since the last run is not worth waiting for at the start. */
  const noteIfNew = async (snapshot: Snapshot, changes: readonly Change[] | undefined): Promise<void> => {
    const head = recorder.head();
    const note = (): void => {
      const message = describeOutside(head, changes);
      const revision = recorder.note(draft(snapshot, known, { author: "file", message }));
      parts.onNoted?.({ revision, changes: changes ?? [] });
    };
    if (head?.hash !== snapshot.hash) return note();
    const recorded = recorder.documentsNow();
    if (recorded !== undefined) return isSame(recorded, known) ? undefined : note();
    void alone(async () => {
      const documents = await recorder.documents();
      if (documents !== undefined && recorder.head() === head && !isSame(documents, known)) note();
    }).catch(() => undefined);
  };

  /** The state that a change starts from: what somebody else did meanwhile is taken up first. */
  const prepare = async (expected: number | undefined): Promise<Snapshot> => {
    await open();
    const isKnown =
      current !== undefined &&
      app.sources.every(({ name, document }) => document === undefined || isOnDisk(document, known.get(name)));
    const [problem] = isKnown ? [] : (await take(await app.look())).problems;
    if (problem !== undefined) throw problem;
    if (current === undefined) throw new ConfigSyncError("INTERNAL", "no values and no reason for it");
    const head = recorder.head()?.number ?? 0;
    if (expected !== undefined && expected !== head) throw moved(expected, head);
    return current;
  };

  const carryOut = async (contents: ReadonlyMap<Writable, Buffer>, signature: Signature): Promise<Changed> => {
    const before = current;
    const candidate = imagine(contents);
    const changes = diffSnapshots(before, candidate);
    const differing = new Map([...contents].filter(([{ name }, bytes]) => !known.get(name)?.equals(bytes)));
    const head = recorder.head();
    if (differing.size === 0 && head !== undefined) return { revision: head, changes: [] };
    await check?.(candidate, changes);
    const next = new Map([...known, ...[...differing].map(([{ name }, bytes]) => [name, bytes] as const)]);
    const revision = await replaceDocuments(differing, {
      known,
      journal,
      record: (onWritten) =>
        recorder.append(draft(candidate, next, withoutSecrets(signature, [before, candidate])), onWritten),
      witness: async (revision) => signature.witness?.({ revision, changes }),
    }).catch(async (error: unknown) => {
      // Whatever got how far: what is in the files now is what counts, and is recorded.
      await recorder.open().catch(() => undefined);
      await app
        .look()
        .then(take)
        .catch(() => undefined);
      throw error;
    });
    current = candidate;
    known = next;
    // Who waits for the answer goes first.
    setImmediate(lookAgain);
    return { revision, changes };
  };

  const imagine = (contents: ReadonlyMap<Writable, Buffer>): Snapshot => {
    const bytes = (source: Writable): Buffer | undefined => contents.get(source) ?? known.get(source.name);
    return app.imagine(new Map(writable.flatMap((source) => readLayer(source, bytes(source)))));
  };

  const editedContents = (request: ChangeRequest, snapshot: Snapshot): Map<Writable, Buffer> => {
    const placed = placeEdits(request.edits, app.sources, snapshot);
    return new Map(
      [...placed].map(([source, edits]) => [source, source.document.edit(known.get(source.name) ?? empty, edits)]),
    );
  };

  const draft = (snapshot: Snapshot, contents: ReadonlyMap<string, Buffer>, by: Signature): Draft => ({
    author: by.author,
    message: by.message,
    at: clock.now(),
    hash: snapshot.hash,
    documents: [...contents].map(([name, bytes]) => ({ name, bytes })),
  });

  const revisionAt = async (number: number): Promise<Revision> => {
    const revision = await history.get(app.name, number);
    if (revision !== undefined) return revision;
    throw new ConfigSyncError("NOT_FOUND", `there is no revision ${number}`, {
      hint: `The newest is ${recorder.head()?.number ?? 0}`,
    });
  };

  return {
    name: app.name,
    look,
    current: now,
    isWritable: (path) => current !== undefined && isWritable(path, app.sources, current),
    read: ({ documents }) => {
      const then = (name: string) => documents.find((document) => document.name === name)?.bytes;
      return app.imagine(new Map(app.sources.flatMap((source) => readLayer(source, then(source.name)))));
    },
    watch: async (look, onTrouble) => {
      listeners.add(look);
      const stop = await app.watch(look, onTrouble);
      return async () => {
        listeners.delete(look);
        await stop();
      };
    },
    change: (request) =>
      alone(async () => {
        const snapshot = await prepare(request.expected);
        return carryOut(editedContents(request, snapshot), request);
      }),
    rollBack: (request) =>
      alone(async () => {
        await prepare(request.expected);
        await recorder.settled();
        const revision = await revisionAt(request.to);
        return carryOut(restoreDocuments(revision, writable, known, request.section), request);
      }),
    seal: ({ which, ...signature }) =>
      alone(async () => {
        await prepare(signature.expected);
        const { contents, keys } = sealDocuments(writable, known, which);
        return { ...(await carryOut(contents, signature)), keys };
      }),
    rehearse: (request) =>
      alone(async () => {
        const snapshot = await prepare(request.expected);
        const candidate = imagine(editedContents(request, snapshot));
        const changes = diffSnapshots(snapshot, candidate);
        await check?.(candidate, changes);
        return { candidate, changes };
      }),
    revisions: {
      get: async (number) => {
        await recorder.settled();
        return history.get(app.name, number);
      },
      list: async (page) => {
        await recorder.settled();
        return history.list(app.name, page);
      },
    },
    close: () => alone(recorder.settled),
  };
}

const empty = Buffer.alloc(0);

function readLayer(source: Source, bytes: Uint8Array | undefined): (readonly [Source, Layer])[] {
  const { document } = source;
  return bytes === undefined || document === undefined ? [] : [[source, document.read(Buffer.from(bytes))]];
}

function moved(expected: number, head: number): ConfigSyncError {
  return new ConfigSyncError("REVISION_MOVED", `the newest revision is ${head}, not ${expected}`, {
    hint: "Look at what changed and repeat the change on it",
  });
}

function asUnusable(error: unknown): ConfigSyncError {
  return asConfigSyncError(error, "HISTORY_UNUSABLE").with({ retryable: true });
}
