import { formatPath } from "../path.ts";
import type { Rule } from "./rule.ts";

/** Where the schema is strict, it has every key; a section with a JSON Schema sees to that itself, and variables have names of their own. */
export const known: Rule = ({ schema: { strict, keys, jsonSchemas }, snapshot: { entries } }) => {
  if (!strict) return [];
  const known = new Set(keys.map(({ key }) => key));
  const described = new Set(jsonSchemas.map(({ section }) => section));
  return [...entries.values()].flatMap(({ path, origin, isEnvironment }) => {
    const key = formatPath(path);
    if (isEnvironment || known.has(key) || described.has(path[0] ?? "")) return [];
    const message = `${key} is not in the schema`;
    const hint = "Correct the name, remove it, or add it to the schema";
    return [{ code: "VALUE_INVALID", severity: "error", key, place: origin, message, hint }];
  });
};
