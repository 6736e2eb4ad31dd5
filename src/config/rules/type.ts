import { reveal } from "../secret.ts";
import type { KeySchema } from "../value-schema.ts";
import { filled, type Rule } from "./rule.ts";

/** Every value is of its type, and neither too small nor too large. */
export const type: Rule = ({ schema: { keys }, snapshot }) =>
  keys.flatMap((schema) => {
    const { key, description } = schema;
    const entry = filled(snapshot, key);
    const problem = entry && problemOf(reveal(entry.value), schema);
    if (problem === undefined || entry === undefined) return [];
    const hint = description === undefined ? undefined : `It is to be: ${description}`;
    return [{ code: "VALUE_INVALID", severity: "error", key, place: entry.origin, message: `${key} ${problem}`, hint }];
  });

function problemOf(text: string, { type, values, min, max }: KeySchema): string | undefined {
  const problem = type.problem(text);
  if (problem !== undefined) return problem;
  if (values !== undefined && !values.includes(text)) return `is not one of ${values.join(", ")}`;
  const { of, bound, below, above } = type.size;
  const size = of(text);
  if (min !== undefined && size < (bound(min) ?? size)) return below(min);
  if (max !== undefined && size > (bound(max) ?? size)) return above(max);
  return undefined;
}
