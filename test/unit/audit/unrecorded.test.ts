import { expect, test } from "vitest";
import type { Told } from "../../../src/audit/entry.ts";
import { findUnrecorded } from "../../../src/audit/unrecorded.ts";
import type { RevisionInfo } from "../../../src/history/history.ts";
import { makeAudit, told } from "./bed.ts";

const revision = (number: number, author = "ann"): RevisionInfo => {
  return { number, parent: number - 1, author, at: number, message: `the ${number}.`, hash: `${number}` };
};
/** Than all entries. */
const later = Number.MAX_SAFE_INTEGER;
/** Newest first, as a history lists them. */
const upTo = (count: number) => Array.from({ length: count }, (_, index) => revision(count - index));

async function logOf(...entries: Partial<Told>[]): Promise<string> {
  const { folder, open } = makeAudit();
  const audit = open();
  for (const entry of entries) await audit.append(told(entry));
  return folder;
}

test("what the history has and the log has not is told, oldest first, with author, reason and revision", async () => {
  const folder = await logOf({ revision: 2 }, { revision: 4 });
  const found = findUnrecorded(folder, "default", [revision(5, "file"), ...upTo(4)], later);
  expect(found).toMatchObject([
    { revision: 3, who: { name: "ann", kind: "unknown" }, why: "the 3.", from: "history", what: "change" },
    { revision: 5, who: { name: "file", kind: "file" } },
  ]);
});

test("what is older than the first entry is left alone, and so is everything where there is none of the app", async () => {
  expect(findUnrecorded(await logOf({ revision: 3 }), "default", upTo(3), later)).toEqual([]);
  expect(findUnrecorded(await logOf({ app: "other", revision: 1 }, {}), "default", upTo(3), later)).toEqual([]);
  expect(findUnrecorded(await logOf(), "default", upTo(3), later)).toEqual([]);
});

test("what the log tells of and the history does not have is said to be missing, once", async () => {
  const { folder, open } = makeAudit();
  const audit = open();
  await audit.append(told({ revision: 3 }));
  await audit.append(told({ revision: 4 }));
  const [found, ...more] = findUnrecorded(folder, "default", upTo(3), later);
  expect(more).toEqual([]);
  expect(found).toMatchObject({
    what: "mended",
    revision: 4,
    why: expect.stringMatching(/^entry 2 tells of revision 4,/),
  });
  if (found !== undefined) await audit.append(found);
  expect(findUnrecorded(folder, "default", upTo(3), later)).toEqual([]);
});

test("what this process does just now, what failed, and a history that is another one are not taken for that", async () => {
  expect(findUnrecorded(await logOf({ revision: 4 }), "default", upTo(3), 0)).toEqual([]);
  expect(findUnrecorded(await logOf({ revision: 4, outcome: "failed" }), "default", upTo(3), later)).toEqual([]);
  expect(findUnrecorded(await logOf({ revision: 7 }), "default", upTo(3), later)).toEqual([]);
});
