/** Which commit is which revision: looked up in the repository as far back as is asked for, 20 bytes a revision in memory. */
import type { Git } from "../../platform/git.ts";
import { createTurnstile } from "../../platform/safe-write/turnstile.ts";
import { listCommits } from "./commit-list.ts";

export interface Numbers {
  /** The id of the commit; undefined where there is none. */
  readonly find: (app: string, number: number) => Promise<string | undefined>;
  /** A revision that was just filed on top of the others. */
  readonly add: (app: string, number: number, id: string) => void;
}

const firstPage = 64;

/** Looks downwards from a commit, in which each app is at the number in `tops`. Where a number is there twice, the newest counts. */
export function createNumbers(git: Git, start: string | null, tops: ReadonlyMap<string, number>): Numbers {
  const apps = new Map([...tops].map(([app, top]) => [app, { top, ids: createIds() }]));
  const inTurn = createTurnstile(1);
  let looked = 0;
  let isExhausted = start === null;

  const lookFurther = async (from: string): Promise<void> => {
    // Pages as large as all before them: git walks over what it skips.
    const limit = Math.max(firstPage, looked);
    const { revisions, count } = await listCommits(git, from, { skip: looked, limit });
    for (const { app, number, id } of revisions) {
      const known = apps.get(app)?.ids;
      if (known?.at(number) === undefined) known?.put(number, id);
    }
    looked += count;
    isExhausted = count < limit;
  };

  const find = async (app: string, number: number): Promise<string | undefined> => {
    const known = apps.get(app);
    if (known === undefined || !Number.isSafeInteger(number) || number < 1 || number > known.top) return undefined;
    while (known.ids.at(number) === undefined && !isExhausted && start !== null) {
      await inTurn(async () => {
        if (known.ids.at(number) === undefined && !isExhausted) await lookFurther(start);
      });
    }
    return known.ids.at(number);
  };

  const add = (app: string, number: number, id: string): void => {
    const known = apps.get(app) ?? { top: number, ids: createIds() };
    known.top = number;
    known.ids.put(number, id);
    apps.set(app, known);
  };

  return { find, add };
}

const idLength = 20;
const pageLength = 256;
const nothing = "0".repeat(2 * idLength);

/** By number, in pages: a string each would take five times as much. */
function createIds() {
  const pages = new Map<number, Buffer>();
  const placeOf = (number: number) => [Math.floor(number / pageLength), (number % pageLength) * idLength] as const;
  return {
    at: (number: number): string | undefined => {
      const [page, from] = placeOf(number);
      const id = pages.get(page)?.toString("hex", from, from + idLength);
      return id === nothing ? undefined : id;
    },
    put: (number: number, id: string): void => {
      const [page, from] = placeOf(number);
      const bytes = pages.get(page) ?? Buffer.alloc(pageLength * idLength);
      pages.set(page, bytes);
      bytes.write(id, from, "hex");
    },
  };
}
