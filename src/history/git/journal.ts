/**
 * The file `journal` in the repository's folder: what was appended is durable by one write into it, long before git has it. Readers of
 * other processes read it as it stands; one process at a time writes it.
 */
import { existsSync, statSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../../errors.ts";
import { syncFolder } from "../../platform/safe-write/sync.ts";
import { createTurnstile } from "../../platform/safe-write/turnstile.ts";
import { removeLeftovers, writeDurably } from "../../platform/safe-write.ts";
import {
  addPending,
  type Contents,
  decodeContents,
  emptyContents,
  encodeContents,
  encodePending,
  filePending,
  type Pending,
  withoutRepository,
} from "./contents.ts";
import { type JournalFile, openJournalFile } from "./journal-file.ts";
import { lockFolder, type Unlock } from "./lock.ts";
import { hasRepository } from "./repository.ts";
import { orUnusable } from "./unusable.ts";

export interface Journal {
  /** As it stands: as we wrote it, or as another process left it. The object is another one after somebody else wrote. */
  readonly read: () => Promise<Contents>;
  /**
   * Takes the writing over and adds what `make` returns. It is durable then; `onWritten` is told when it only waits for the disk. Throws
   * HISTORY_UNUSABLE; then nothing was added.
   */
  readonly append: (make: (contents: Contents) => readonly Pending[], onWritten: () => void) => Promise<void>;
  /** Takes the writing over, to move what is pending. */
  readonly claim: () => Promise<Contents>;
  /** The oldest `count` pending revisions are durable in the repository, the newest of our commits there is `commit`. */
  readonly filed: (count: number, commit: string | null) => Promise<void>;
  /** The repository is not the one that it was. */
  readonly forgetRepository: () => Promise<void>;
  readonly isClaimed: () => boolean;
  /** Lets other processes write where nothing is pending; `anyway` also where it is. */
  readonly release: (anyway?: "anyway") => Promise<void>;
}

export interface JournalOptions {
  readonly folder: string;
  /** What the repository alone says: the journal is new or lost. */
  readonly survey: () => Promise<Contents>;
  /** What was found damaged, and what was done about it. */
  readonly tell: (message: string) => void;
  /** Another process wrote. */
  readonly onForeign: (before: Contents, now: Contents) => void;
}

/** Bytes of what the repository has already, beyond which the rest is written anew. */
const wasteful = 4 * 1024 * 1024;
const nothing = Buffer.alloc(0);

export function openJournal({ folder, survey, tell, onForeign }: JournalOptions): Journal {
  const path = join(folder, "journal");
  const inTurn = createTurnstile(1);
  let contents = emptyContents();
  let seen: string | undefined;
  /** What lies behind the last whole record. */
  let torn: Buffer = nothing;
  let unlock: Unlock | undefined;
  /** Locked, and what is in memory is what is in the file: nobody else writes it. */
  let isClaimed = false;
  let file: JournalFile | undefined;

  const refresh = async (): Promise<void> => {
    const now = stampOf(folder, path);
    if (seen === now) return;
    const before = contents;
    const bytes = await readIfThere(path);
    const read = bytes && decodeContents(bytes);
    torn = bytes?.subarray(read?.end ?? 0) ?? nothing;
    contents = read?.contents ?? (await survey());
    if (seen !== undefined) onForeign(before, contents);
    seen = now;
    if (contents.heads.size > 0 || before.heads.size === 0) return;
    // Deleted under our hands: what is in memory still counts.
    contents = before;
    forget();
  };

  const forget = (): void => {
    tell(describeLoss(folder, contents));
    contents = withoutRepository(contents);
  };

  const claim = async (): Promise<void> => {
    if (isClaimed) return;
    await makeFolder(folder);
    unlock = await lockFolder(folder);
    try {
      await refresh();
      removeLeftovers(folder);
      if (torn.length > 0) await cutOff();
      else if (existsSync(path)) file = await openJournalFile(path);
      isClaimed = true;
    } catch (error) {
      await letGo();
      throw error;
    }
  };

  const cutOff = async (): Promise<void> => {
    await writeDurably(`${path}.cut`, torn);
    await rewrite(nothing);
    tell(`the last ${torn.length} bytes of ${path} were torn and are cut off; they are kept in ${path}.cut`);
    torn = nothing;
  };

  const write = async (bytes: Buffer, onWritten: () => void): Promise<void> => {
    if (file?.isAsLeft()) return file.append(bytes, onWritten);
    await rewrite(bytes);
    onWritten();
  };

  const rewrite = async (more: Buffer): Promise<void> => {
    await closeFile();
    await makeFolder(folder);
    await writeDurably(path, Buffer.concat([encodeContents(contents), more]));
    file = await openJournalFile(path);
  };

  const closeFile = async (): Promise<void> => {
    const open = file;
    file = undefined;
    await open?.close();
  };

  const letGo = async (): Promise<void> => {
    await closeFile();
    seen = isClaimed ? stampOf(folder, path) : seen;
    isClaimed = false;
    unlock?.();
    unlock = undefined;
  };

  const isWasteful = (): boolean =>
    contents.pending.length === 0 || (file?.size() ?? 0) - contents.pendingSize > wasteful;

  const inTurnOrUnusable = (work: () => Promise<void>): Promise<void> => inTurn(work).catch(orUnusable(path));

  return {
    read: async () => {
      if (!isClaimed) await inTurnOrUnusable(async () => (isClaimed ? undefined : refresh()));
      return contents;
    },
    claim: async () => {
      await inTurnOrUnusable(claim);
      return contents;
    },
    append: (make, onWritten) =>
      inTurnOrUnusable(async () => {
        await claim();
        // Documents that are only in a repository that is gone are none that this one can leave out.
        if (contents.commit !== null && !hasRepository(folder)) forget();
        const records = make(contents);
        if (records.length > 0) await write(Buffer.concat(records.map(encodePending)), onWritten);
        for (const record of records) addPending(contents, record);
      }),
    filed: (count, commit) =>
      inTurnOrUnusable(async () => {
        filePending(contents, count);
        contents.commit = commit;
        if (isWasteful()) await rewrite(nothing);
      }),
    forgetRepository: () =>
      inTurnOrUnusable(async () => {
        forget();
        await rewrite(nothing);
      }),
    isClaimed: () => isClaimed,
    release: (anyway) =>
      inTurnOrUnusable(async () => {
        if (isClaimed && (contents.pending.length === 0 || anyway !== undefined)) await letGo();
      }),
  };
}

function describeLoss(folder: string, { filed }: Contents): string {
  const lost = [...filed].map(([app, { info }]) => `${app} up to ${info.number}`).join(", ");
  return `the repository ${folder} was deleted or replaced: lost are the revisions of ${lost}; their numbers go on`;
}

/** A new folder is durable when the one above it is. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** What is another after another process wrote: the journal, or the repository's branch where there is no journal. */
function stampOf(folder: string, path: string): string {
  for (const place of [path, join(folder, "refs/heads/main"), join(folder, "packed-refs")]) {
    const stats = statSync(place, { throwIfNoEntry: false, bigint: true });
    if (stats !== undefined) return `${place} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
  }
  return "nothing";
}
