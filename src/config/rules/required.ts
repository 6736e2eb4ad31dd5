import type { Place } from "../../errors.ts";
import type { Snapshot } from "../layers.ts";
import { filled, type Rule } from "./rule.ts";

/** What is required is there and not empty. */
export const required: Rule = ({ schema: { keys }, snapshot }) =>
  keys.flatMap(({ key, section, required }) => {
    if (required === false || filled(snapshot, key) !== undefined) return [];
    const entry = snapshot.entries.get(key);
    const place = entry?.origin ?? placeOfSection(snapshot, section);
    if (required === "section" && place === undefined) return [];
    const message = entry === undefined ? `${key} is missing` : `${key} is empty`;
    return [{ code: "VALUE_MISSING", severity: "error", key, place: place ?? {}, message, hint: "Give it a value" }];
  });

/** The file that the section stands in; the line is for who writes the key. Undefined where it has no value at all. */
function placeOfSection({ entries }: Snapshot, section: string): Place | undefined {
  const neighbour = [...entries.values()].find(({ path }) => path[0] === section);
  return neighbour && { file: neighbour.origin.file };
}
