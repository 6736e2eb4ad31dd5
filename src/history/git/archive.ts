/** The revisions that the repository has. */
import { ConfigSyncError } from "../../errors.ts";
import { type GitObject, openObjects } from "../../platform/git/objects.ts";
import type { Git } from "../../platform/git.ts";
import type { Document, Revision, RevisionInfo } from "../history.ts";
import { type ParsedCommit, parseCommit } from "./commit.ts";
import type { Contents, Entry, Recorded } from "./contents.ts";
import { createNumbers, type Numbers } from "./numbers.ts";
import { hasRepository } from "./repository.ts";

export interface Archive {
  readonly get: (contents: Contents, app: string, number: number) => Promise<Revision | undefined>;
  /** Newest first, from `before` (exclusive) down. */
  readonly list: (contents: Contents, app: string, page: { limit: number; before: number }) => Promise<RevisionInfo[]>;
  /** The bytes of one document. Throws HISTORY_UNUSABLE where they are lost. */
  readonly bytes: (id: string) => Promise<Buffer>;
  /** What a commit says, for a start without a journal. Undefined for a commit that is none of ours. */
  readonly recorded: (commit: string, app: string) => Promise<Recorded | undefined>;
  /** Revisions that are in the repository from now on, each with its commit. */
  readonly filed: (
    contents: Contents,
    revisions: readonly (Recorded & { app: string })[],
    ids: readonly string[],
  ) => void;
  readonly close: () => void;
}

export function openArchive(git: Git): Archive {
  const objects = openObjects(git);
  let known: { readonly of: Contents; readonly numbers: Numbers } | undefined;

  /** They are found out anew where another process, or damage, made the contents other ones. */
  const numbersOf = (contents: Contents): Numbers => {
    if (known?.of !== contents) {
      const tops = new Map([...contents.filed].map(([app, { info }]) => [app, info.number]));
      known = { of: contents, numbers: createNumbers(git, contents.commit, tops) };
    }
    return known.numbers;
  };

  const find = async (contents: Contents, app: string, number: number): Promise<string | undefined> =>
    hasRepository(git.folder) ? numbersOf(contents).find(app, number) : undefined;

  const read = async (name: string, type: string): Promise<GitObject> => {
    const object = await objects.read(name);
    if (object?.type === type) return object;
    throw new ConfigSyncError("HISTORY_UNUSABLE", `the ${type} ${name} is missing in the repository ${git.folder}`, {
      hint: `See what else is damaged: git -C ${git.folder} fsck`,
      retryable: false,
    });
  };

  const readCommit = async (commit: string): Promise<ParsedCommit | undefined> =>
    parseCommit((await read(commit, "commit")).bytes);

  const readInfo = async (commit: string): Promise<RevisionInfo> => {
    const parsed = await readCommit(commit);
    if (parsed !== undefined) return parsed.info;
    throw new ConfigSyncError("HISTORY_UNUSABLE", `the commit ${commit} no longer says which revision it is`);
  };

  const readEntries = async (commit: string, app: string, order: readonly string[] | undefined): Promise<Entry[]> => {
    // A revision without documents has no folder.
    const tree = await objects.read(`${commit}:${app}`);
    const entries = tree === undefined ? [] : parseTree(tree.bytes);
    return order === undefined ? entries : entries.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  };

  const recorded = async (commit: string, app: string): Promise<Recorded | undefined> => {
    const parsed = await readCommit(commit);
    return parsed && { info: parsed.info, entries: await readEntries(commit, app, parsed.order) };
  };

  const bytes = async (id: string): Promise<Buffer> => (await read(id, "blob")).bytes;

  const readDocument = async ({ name, id }: Entry): Promise<Document> => ({ name, bytes: await bytes(id) });

  return {
    bytes,
    recorded,
    get: async (contents, app, number) => {
      const commit = await find(contents, app, number);
      const found = commit === undefined ? undefined : await recorded(commit, app);
      return found && { ...found.info, documents: await Promise.all(found.entries.map(readDocument)) };
    },
    list: async (contents, app, { limit, before }) => {
      const commits: string[] = [];
      const top = contents.filed.get(app)?.info.number ?? 0;
      for (let number = Math.min(before - 1, top); number > 0 && commits.length < limit; number--) {
        const commit = await find(contents, app, number);
        if (commit === undefined) break;
        commits.push(commit);
      }
      return Promise.all(commits.map(readInfo));
    },
    filed: (contents, revisions, ids) => {
      const { add } = numbersOf(contents);
      for (const [index, { app, info }] of revisions.entries()) add(app, info.number, ids[index] ?? "");
    },
    close: objects.close,
  };
}

/** `MODE NAME`, a NUL, the id in 20 bytes; and so on. */
function parseTree(bytes: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, blank);
    entries.push({ name: bytes.toString("utf8", blank + 1, nul), id: bytes.toString("hex", nul + 1, nul + 21) });
    at = nul + 21;
  }
  return entries;
}
