import { filled, type Rule } from "./rule.ts";

/** Passwords are as hard to guess as the schema asks for. A warning: whoever set it in a service may have to live with it. */
export const strength: Rule = ({ schema: { keys }, snapshot, strengths }) => {
  if (strengths === undefined) return [];
  return keys.flatMap(({ key, strength }) => {
    const entry = strength === undefined ? undefined : filled(snapshot, key);
    const found = strengths.get(key);
    if (strength === undefined || entry === undefined || found === undefined || found.score >= strength) return [];
    const { score, weakness } = found;
    const message = `${key} is easy to guess (strength ${score} of 4, at least ${strength} is asked for): ${weakness}`;
    const hint = "Choose a longer one, at random";
    return [{ code: "VALUE_INVALID", severity: "warning", key, place: entry.origin, message, hint }];
  });
};
