import fc from "fast-check";
import type { Path } from "../../../src/config/path.ts";
import type { Trial } from "../contest.ts";
import { type Duel, demand, difference, type MergeSubject, quote, unlessRefused, type Wanted } from "../duel.ts";
import { keyOf, type Oracle, pathOf, type Reading, type Values } from "../reading.ts";

/**
 * After a merge the oracle reads the wanted keys as wanted and every other key as before, and the bytes around our keys are
 * still there, in order. Or the merge is refused.
 */
export function mergesTrial({ subject, likely, isTyped }: Duel, oracle: Oracle): Trial {
  let telling = 0;
  const { paths, values, merge, places } = subject.merge;
  const wantedKeys = fc.uniqueArray(fc.record({ path: fc.constantFrom(...paths), value: values }), {
    selector: ({ path }) => keyOf(path),
    maxLength: 4,
  });
  const property = fc.asyncProperty(
    likely,
    wantedKeys,
    fc.array(fc.nat(12), { maxLength: 3 }),
    async (existing, wanted, picks) => {
      const present = unlessRefused(["PARSE_FAILED"], () => [...subject.read(existing).keys()].map(pathOf));
      if (present === undefined) return;
      const isWanted = new Set(wanted.map(({ path }) => keyOf(path)));
      const gone = picks.flatMap((pick) => present.slice(pick, pick + 1)).filter((path) => !isWanted.has(keyOf(path)));
      const merged = unlessRefused(["UNREPRESENTABLE"], () => merge(existing, wanted, gone));
      if (merged === undefined) return;
      const before = await read(existing);
      const after = await read(merged);
      const expected = expectedKeys(before.literals, wanted, gone);
      for (const { path, value } of wanted) {
        const found = after.meant.get(keyOf(path));
        const asked = isTyped ? JSON.stringify(value) : value;
        demand(
          found === asked,
          () => `${keyOf(path)} should be ${quote(asked)}, and the oracle reads ${quote(found)} in ${quote(merged)}`,
        );
        expected.delete(keyOf(path));
      }
      const others = new Map([...after.literals].filter(([key]) => !isWanted.has(key)));
      const differs = difference(expected, others, ["there should be", "the oracle reads"]);
      demand(differs === undefined, () => `${differs} in ${quote(merged)}`);
      if (places !== undefined) keepsBytes(existing, merged, touched(places(existing), wanted, gone));
      telling++;
    },
  );
  return { name: "merges", share: 0.2, property, telling: () => telling };

  async function read(text: string): Promise<Reading> {
    const verdict = await oracle.read(text);
    demand(verdict !== undefined, () => `the oracle refuses ${quote(text)}`);
    return verdict;
  }
}

/** A key gives way to a mapping that is wanted in its place. */
function expectedKeys(before: Values, wanted: readonly Wanted[], gone: readonly Path[]): Map<string, string> {
  const expected = new Map(before);
  for (const path of gone) expected.delete(keyOf(path));
  for (const { path } of wanted) {
    for (let length = 1; length < path.length; length++) expected.delete(keyOf(path.slice(0, length)));
  }
  return expected;
}

type Places = ReturnType<NonNullable<MergeSubject["places"]>>;

function touched(
  places: Places,
  wanted: readonly Wanted[],
  gone: readonly Path[],
): { changed: Places; removed: Places } {
  const keys = (paths: readonly Path[]) => new Set(paths.map(keyOf));
  const [set, unset] = [keys(wanted.map(({ path }) => path)), keys(gone)];
  return { changed: places.filter(({ key }) => set.has(key)), removed: places.filter(({ key }) => unset.has(key)) };
}

/** What is left of the text without the values that changed and the lines that went must be there, piece by piece, in order. */
function keepsBytes(existing: string, merged: string, { changed, removed }: ReturnType<typeof touched>): void {
  const breaks = [...existing.matchAll(/\r\n|\n|\r/g)].map(({ index, 0: mark }) => ({
    index,
    end: index + mark.length,
  }));
  const lineOf = ({ start, end }: { start: number; end: number }) => ({
    start: breaks.findLast((mark) => mark.end <= start)?.end ?? 0,
    end: breaks.find((mark) => mark.index >= end)?.end ?? existing.length,
  });
  const holes = [...changed, ...removed.map(lineOf)].toSorted((a, b) => a.start - b.start);
  let from = 0;
  let at = 0;
  for (const hole of [...holes, { start: existing.length, end: existing.length }]) {
    for (const piece of existing.slice(from, Math.max(from, hole.start)).split(/(?<=\n)|[\r\n]+/)) {
      const found = merged.indexOf(piece.trim(), at);
      demand(found >= 0, () => `${quote(piece)} of ${quote(existing)} is lost in ${quote(merged)}`);
      at = found + piece.trim().length;
    }
    from = Math.max(from, hole.end);
  }
}
