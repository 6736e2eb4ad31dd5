import { filled, type Rule } from "./rule.ts";

/** Keys that are of use only together have values together: a certificate and its key. */
export const needs: Rule = ({ schema: { keys }, snapshot }) =>
  keys.flatMap(({ key, needs }) => {
    const entry = filled(snapshot, key);
    if (entry === undefined) return [];
    return needs.flatMap((other) => {
      if (filled(snapshot, other) !== undefined) return [];
      const message = `${key} needs ${other}, which has no value`;
      const hint = `Give ${other} a value, or leave both empty`;
      return [{ code: "VALUE_MISSING", severity: "error", key, place: entry.origin, message, hint }];
    });
  });
