/** What values must be beyond what a source can know: the rules of a workspace's schema, a file each. */
import { ConfigSyncError } from "../../errors.ts";
import { certificate } from "./certificate.ts";
import { jsonSchema } from "./json-schema.ts";
import { known } from "./known.ts";
import { needs } from "./needs.ts";
import { ports } from "./ports.ts";
import { required } from "./required.ts";
import type { Facts, Rule, Violation } from "./rule.ts";
import { samples } from "./samples.ts";
import { strength } from "./strength.ts";
import { taken } from "./taken.ts";
import { type } from "./type.ts";

const rules: readonly Rule[] = [known, type, required, needs, ports, jsonSchema, certificate, taken, strength, samples];

/** Everything that the rules find, in the order of the places. */
export function checkValues(facts: Facts): Violation[] {
  const found = rules.flatMap((rule) => rule(facts));
  return found.toSorted((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0));
}

/** What keeps the values from being used. */
export function errorsAmong(found: readonly Violation[]): ConfigSyncError[] {
  return found.flatMap((violation) => (violation.severity === "error" ? violationError(violation) : []));
}

/** VALUE_INVALID or VALUE_MISSING with key and place. */
export function violationError({ code, message, key, place, hint }: Violation): ConfigSyncError {
  return new ConfigSyncError(code, message, { key, place, hint });
}
