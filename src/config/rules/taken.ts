import { filled, type Rule } from "./rule.ts";

/** A port that is new is not somebody else's already. */
export const taken: Rule = ({ schema: { keys }, snapshot, listeners }) => {
  if (listeners === undefined) return [];
  return keys.flatMap(({ key, ifTaken }) => {
    const listener = listeners.get(key);
    const entry = filled(snapshot, key);
    if (listener === undefined || entry === undefined) return [];
    const severity = ifTaken === "refuse" ? "error" : "warning";
    const who = listener.program ?? "a program that cannot be seen from here";
    const message = `${key} is a port that ${who} listens on already`;
    const hint = "Choose another port, or end that program";
    return [{ code: "VALUE_INVALID", severity, key, place: entry.origin, message, hint }];
  });
};
