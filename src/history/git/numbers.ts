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

const firstPage = 512;

/**
 * Starts at a commit in which each app is at the number in `tops`. A number counts once, where it is next below the one before it: a commit
 * that somebody picked or reverted by hand can carry the trailers of an older revision.
 */
export function createNumbers(git: Git, start: string | null, tops: ReadonlyMap<string, number>): Numbers {
  const apps = new Map([...tops].map(([app, top]) => [app, createRun(top)]));
  const inTurn = createTurnstile(1);
  let looked = 0;
  let isExhausted = start === null;

  const lookFurther = async (from: string): Promise<void> => {
    const limit = Math.max(firstPage, looked);
    const { revisions, count } = await listCommits(git, from, { skip: looked, limit });
    for (const { app, number, id } of revisions) apps.get(app)?.addBelow(number, id);
    looked += count;
    isExhausted = count < limit;
  };

  const find = async (app: string, number: number): Promise<string | undefined> => {
    const run = apps.get(app);
    if (run === undefined || !Number.isSafeInteger(number) || number < 1 || number > run.top()) return undefined;
    while (run.at(number) === undefined && !isExhausted && start !== null) {
      await inTurn(async () => {
        if (run.at(number) === undefined && !isExhausted) await lookFurther(start);
      });
    }
    return run.at(number);
  };

  const add = (app: string, number: number, id: string): void => {
    const run = apps.get(app) ?? createRun(number - 1);
    apps.set(app, run);
    run.addAbove(number, id);
  };

  return { find, add };
}

/** The ids of one app's revisions: a run of numbers that grows at both ends. */
function createRun(middle: number) {
  const [above, below] = [createIds(), createIds()];
  return {
    top: () => middle + above.length(),
    at: (number: number) => (number > middle ? above.at(number - middle - 1) : below.at(middle - number)),
    addAbove: (number: number, id: string) => {
      if (number === middle + above.length() + 1) above.push(id);
    },
    addBelow: (number: number, id: string) => {
      if (number === middle - below.length()) below.push(id);
    },
  };
}

const idLength = 20;

function createIds() {
  let bytes = Buffer.alloc(16 * idLength);
  let length = 0;
  return {
    length: () => length,
    at: (index: number) =>
      index < length ? bytes.toString("hex", index * idLength, (index + 1) * idLength) : undefined,
    push: (id: string) => {
      if ((length + 1) * idLength > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)]);
      bytes.write(id, length * idLength, "hex");
      length++;
    },
  };
}
