import type { Entry, Snapshot } from "../layers.ts";
import { reveal } from "../secret.ts";
import type { ValueSchema } from "../value-schema.ts";
import { filled, type Rule } from "./rule.ts";

/** No two keys of type port have the same port in the same network. The later one is told. */
export const ports: Rule = ({ schema, snapshot }) => {
  const first = new Map<string, string>();
  return listPorts(schema, snapshot).flatMap(({ key, network, entry }) => {
    const place = `${network}:${reveal(entry.value)}`;
    const other = first.get(place);
    if (other === undefined) {
      first.set(place, key);
      return [];
    }
    const message = `${key} is the same port as ${other}`;
    return [
      { code: "VALUE_INVALID", severity: "error", key, place: entry.origin, message, hint: "Choose another port" },
    ];
  });
};

function listPorts({ keys }: ValueSchema, snapshot: Snapshot): { key: string; network: string; entry: Entry }[] {
  return keys.flatMap(({ key, type, network }) => {
    const entry = type.name === "port" ? filled(snapshot, key) : undefined;
    return entry === undefined || type.problem(reveal(entry.value)) !== undefined ? [] : [{ key, network, entry }];
  });
}
