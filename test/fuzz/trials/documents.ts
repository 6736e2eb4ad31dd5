import fc from "fast-check";
import type { Trial } from "../contest.ts";
import { type Duel, demand, difference, quote, unlessRefused, untyped } from "../duel.ts";
import type { Oracle } from "../reading.ts";

/** Of any text, both read the same, or both refuse it, but for the exceptions that the duel names. */
export function documentsTrial(duel: Duel, oracle: Oracle): Trial {
  let telling = 0;
  const { subject, isTyped, refusesToo = [], readsToo = [] } = duel;
  const texts = fc.oneof({ weight: 3, arbitrary: duel.likely }, { weight: 2, arbitrary: duel.wild });
  const property = fc.asyncProperty(texts, async (text) => {
    const ours = unlessRefused(["PARSE_FAILED"], () => subject.read(text));
    const theirs = await oracle.read(text);
    if (ours === undefined) {
      const excused = theirs === undefined || theirs.isDubious || refusesToo.some(({ applies }) => applies(text));
      demand(excused, () => `we refuse ${quote(text)}, and the oracle reads ${quote([...(theirs?.fields ?? [])])}`);
      return;
    }
    if (theirs === undefined) {
      demand(
        readsToo.some(({ applies }) => applies(text)),
        () => `the oracle refuses ${quote(text)}, and we read ${quote([...ours])}`,
      );
      return;
    }
    const differs = difference(ours, untyped(theirs.fields, isTyped), ["we read", "the oracle reads"]);
    demand(differs === undefined, () => `${differs} in ${quote(text)}`);
    telling++;
  });
  return { name: "documents", share: 0.5, property, telling: () => telling };
}
