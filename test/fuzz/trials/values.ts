import fc from "fast-check";
import type { Trial } from "../contest.ts";
import { type Duel, demand, difference, type Frame, quote, unlessRefused } from "../duel.ts";
import { keyOf, type Oracle, type Reading } from "../reading.ts";

type ValuesDuel = Pick<Duel, "subject" | "frames" | "values" | "isTyped">;

/** A value is refused, or the oracle reads exactly it where it was put, and every other key as if another value stood there. */
export function valuesTrial({ subject, frames, values, isTyped }: ValuesDuel, oracle: Oracle): Trial {
  let telling = 0;
  const neighbours = new Map<Frame, ReadonlyMap<string, string>>();
  const property = fc.asyncProperty(fc.constantFrom(...frames), values, async (frame, value) => {
    const text = unlessRefused(["UNREPRESENTABLE"], () => subject.put(frame, value));
    if (text === undefined) return;
    demand(text.isWellFormed(), () => "the text is not valid Unicode, and no file can hold it");
    const { meant } = await read(text);
    const key = keyOf(frame.path);
    const expected = new Map(neighbours.get(frame) ?? (await readNeighbours(frame)));
    expected.set(key, isTyped ? JSON.stringify(value) : value);
    const differs = difference(expected, meant, ["we wrote", "the oracle reads"]);
    demand(differs === undefined, () => `${differs} in ${quote(text)}`);
    telling++;
  });
  return { name: "values", share: 0.5, property, telling: () => telling };

  async function readNeighbours(frame: Frame): Promise<ReadonlyMap<string, string>> {
    const { meant } = await read(subject.put(frame, "x"));
    neighbours.set(frame, meant);
    return meant;
  }

  async function read(text: string): Promise<Reading> {
    const verdict = await oracle.read(text);
    demand(verdict !== undefined, () => `the oracle refuses ${quote(text)}`);
    return verdict;
  }
}
