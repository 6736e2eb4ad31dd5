import fc from "fast-check";
import { loadFormat } from "../../../src/formats/index.ts";
import { loadCompiler } from "../../../src/services/template.ts";
import type { Branch } from "../../../src/services/tree.ts";
import type { Trial } from "../contest.ts";
import { type Duel, demand, difference, quote, unlessRefused } from "../duel.ts";
import type { Oracle, Values } from "../reading.ts";
import { treeOf } from "./tree-of.ts";

const mark = "mark";

/**
 * A value that a template puts somewhere, alone or inside other text, stays in its place: the oracle reads the file as it
 * reads the one with a harmless word there, with the value instead of the word. Or rendering refuses it.
 */
export async function templatesTrial(duel: Duel, oracle: Oracle, templates: readonly string[]): Promise<Trial> {
  let telling = 0;
  const format = await loadFormat(duel.subject.formatName ?? "");
  const compile = await loadCompiler();
  const render = (template: string, tree: Branch): string => compile(template, "t.hbs").render(tree, format).text;
  const property = fc.asyncProperty(fc.constantFrom(...templates), duel.values, async (template, value) => {
    const refusals = ["UNREPRESENTABLE", "TEMPLATE_INVALID"] as const;
    const text = unlessRefused(refusals, () => render(template, treeOf(value)));
    if (text === undefined) return;
    demand(text.isWellFormed(), () => "the text is not valid Unicode, and no file can hold it");
    const before = await oracle.read(render(template, treeOf(mark)));
    const after = await oracle.read(text);
    demand(before !== undefined, () => `the oracle refuses the template ${quote(template)}`);
    demand(after !== undefined, () => `the oracle refuses ${quote(text)}`);
    const differs = difference(filledIn(before.meant, value, duel.isTyped), renamed(after.meant, before.meant), [
      "there should be",
      "the oracle reads",
    ]);
    demand(differs === undefined, () => `${differs} in ${quote(text)}`);
    telling++;
  });
  return { name: "templates", share: 0.2, property, telling: () => telling };
}

function filledIn(values: Values, value: string, isTyped: boolean | undefined): Values {
  const written = isTyped ? JSON.stringify(value).slice(1, -1) : value;
  return new Map([...values].map(([key, old]) => [key, old.replaceAll(mark, () => written)]));
}

/** A value in the place of a name may be trimmed, folded, or split at its dots: what is asked is that as many keys stand there. */
function renamed(after: Values, before: Values): Values {
  const missing = [...before.keys()].filter((key) => !after.has(key) && key.includes(mark));
  const extra = [...after.keys()].filter((key) => !before.has(key));
  if (missing.length !== extra.length) return after;
  const names = new Map(extra.map((key, index) => [key, missing[index] ?? key]));
  return new Map([...after].map(([key, value]) => [names.get(key) ?? key, value]));
}
