import { checkDraft } from "./draft.ts";
import type { Document, History, Revision, RevisionInfo } from "./history.ts";
import { checkExpected } from "./moved.ts";
import { createWatchers } from "./watchers.ts";

/** A history that ends with the process: for tests, and for those who want to keep nothing. */
export function memoryHistory(): History {
  const revisions = new Map<string, Revision[]>();
  const { watch, tell } = createWatchers();
  const of = (app: string): readonly Revision[] => revisions.get(app) ?? [];
  /** Where a number stands, or would: they have no gaps. */
  const indexOf = (app: string, number: number): number => number - (of(app)[0]?.number ?? 1);

  const append: History["append"] = async (app, draft, expected, onWritten) => {
    checkDraft(app, draft);
    checkExpected(app, of(app).at(-1), expected);
    const { author, at, message, hash } = draft;
    const documents = copyAll(draft.documents);
    const revision = { number: expected + 1, parent: expected || null, author, at, message, hash, documents };
    const earlier = revisions.get(app);
    if (earlier === undefined) revisions.set(app, [revision]);
    else earlier.push(revision);
    onWritten?.(infoOf(revision));
    tell(app, infoOf(revision));
    return infoOf(revision);
  };

  return {
    head: async (app) => of(app).slice(-1).map(infoOf)[0],
    get: async (app, number) => {
      const revision = of(app)[indexOf(app, number)];
      return revision && { ...revision, documents: copyAll(revision.documents) };
    },
    list: async (app, { limit, before = Number.POSITIVE_INFINITY }) => {
      const end = Math.max(0, Math.min(of(app).length, indexOf(app, before)));
      return of(app)
        .slice(Math.max(0, end - limit), end)
        .reverse()
        .map(infoOf);
    },
    append,
    apps: async () => [...revisions.keys()].sort(),
    watch,
    close: async () => undefined,
  };
}

function infoOf({ documents: _, ...info }: Revision): RevisionInfo {
  return info;
}

/** Bytes are the only thing in a revision that somebody could change. */
function copyAll(documents: readonly Document[]): Document[] {
  return documents.map(({ name, bytes }) => ({ name, bytes: Uint8Array.from(bytes) }));
}
