import type { Document, History, RevisionInfo } from "../history.ts";
import type { Archive } from "./archive.ts";
import type { Contents, Entry, Pending } from "./contents.ts";
import type { Journal } from "./journal.ts";

/** Answers from the journal, and from the repository what the journal no longer has. */
export function readFrom(journal: Journal, archive: Archive): Pick<History, "head" | "get" | "list" | "apps"> {
  return {
    head: async (app) => (await journal.read()).heads.get(app)?.info,
    get: async (app, number) => {
      const contents = await journal.read();
      const found = contents.pending.find((one) => one.app === app && one.info.number === number);
      if (found === undefined) return archive.get(contents, app, number);
      const documents = await Promise.all(found.entries.map((entry) => readDocument(contents.pending, archive, entry)));
      return { ...found.info, documents };
    },
    list: async (app, page) => listRevisions(await journal.read(), archive, app, page),
    apps: async () => [...(await journal.read()).heads.keys()].sort(),
  };
}

export async function listRevisions(
  contents: Contents,
  archive: Archive,
  app: string,
  { limit, before = Number.POSITIVE_INFINITY }: Parameters<History["list"]>[1],
): Promise<RevisionInfo[]> {
  const pending = contents.pending
    .filter((one) => one.app === app && one.info.number < before)
    .map(({ info }) => info)
    .reverse();
  if (pending.length >= limit) return pending.slice(0, limit);
  const oldest = pending.at(-1)?.number ?? before;
  return [...pending, ...(await archive.list(contents, app, { limit: limit - pending.length, before: oldest }))];
}

async function readDocument(pending: readonly Pending[], archive: Archive, { name, id }: Entry): Promise<Document> {
  const known = pending.find(({ contents }) => contents.has(id))?.contents.get(id);
  return { name, bytes: known === undefined ? await archive.bytes(id) : Buffer.from(known) };
}
