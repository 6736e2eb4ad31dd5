/**
 * What a schema asks for that cannot be told from the values alone: how hard passwords are to guess, what certificates hold, who listens
 * on a port.
 */
import { setImmediate as breathe } from "node:timers/promises";
import type { SchemaCheck } from "../config/json-schema-check.ts";
import type { Snapshot } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import { checkValues, errorsAmong } from "../config/rules/index.ts";
import { type Facts, filled, type Violation } from "../config/rules/rule.ts";
import { reveal } from "../config/secret.ts";
import { loadStrength, type Strength } from "../config/strength.ts";
import type { KeySchema, ValueSchema } from "../config/value-schema.ts";
import type { ConfigSyncError } from "../errors.ts";
import { readPem } from "../platform/certificate-files.ts";
import { findTakenPorts, type Loaded } from "./taken-ports.ts";

export interface Advised {
  /** Without one only samples are looked for. */
  readonly schema: ValueSchema | undefined;
  /** The sections that have a JSON Schema. */
  readonly sections: ReadonlyMap<string, SchemaCheck>;
  readonly snapshot: Snapshot | undefined;
  readonly loaded: Loaded;
}

/** Everything that the rules find, those that take time too. */
export async function adviseOn({ schema = none, sections, snapshot, loaded }: Advised): Promise<readonly Violation[]> {
  if (snapshot === undefined) return [];
  const [certificates, listeners] = await Promise.all([
    readCertificates(schema, snapshot),
    findTakenPorts(schema, snapshot, loaded),
  ]);
  const strengths = await measureStrengths(schema, snapshot);
  return checkValues({ schema, snapshot, sections, strengths, certificates, listeners, advises: true });
}

const none: ValueSchema = { strict: false, keys: [], jsonSchemas: [] };

/**
 * What is wrong with a change of these keys: a certificate, or a port that is taken and whose schema says `refuse`. One that
 * expired meanwhile does not stand in the way of another change.
 */
export async function findBadChanges(
  schema: ValueSchema | undefined,
  snapshot: Snapshot,
  changed: ReadonlySet<string>,
  loaded: Loaded,
): Promise<readonly ConfigSyncError[]> {
  if (schema === undefined) return [];
  const isMeant = ({ key, type, privateKey, ifTaken }: KeySchema): boolean =>
    type.name === "certificate"
      ? changed.has(key) || (privateKey !== undefined && changed.has(privateKey))
      : ifTaken === "refuse" && changed.has(key);
  const keys = schema.keys.filter(isMeant);
  if (keys.length === 0) return [];
  const [certificates, listeners] = await Promise.all([
    readCertificates({ keys }, snapshot),
    findTakenPorts(schema, snapshot, loaded),
  ]);
  return errorsAmong(checkValues({ schema: { ...none, keys }, snapshot, certificates, listeners }));
}

/** One after the other, and others have their turn between them: a password takes some milliseconds. */
async function measureStrengths({ keys }: ValueSchema, snapshot: Snapshot): Promise<NonNullable<Facts["strengths"]>> {
  const asked = keys.flatMap(({ key, strength }) => (strength === undefined ? [] : (filled(snapshot, key) ?? [])));
  const found = new Map<string, Strength>();
  if (asked.length === 0) return found;
  const strengthOf = await loadStrength();
  for (const { path, value } of asked) {
    found.set(formatPath(path), strengthOf(reveal(value)));
    await breathe();
  }
  return found;
}

async function readCertificates(
  { keys }: Pick<ValueSchema, "keys">,
  snapshot: Snapshot,
): Promise<NonNullable<Facts["certificates"]>> {
  const read = async (key: string): Promise<Buffer | undefined> => {
    const path = filled(snapshot, key);
    return path && readPem(reveal(path.value));
  };
  const named = keys.filter(({ type, key }) => type.name === "certificate" && filled(snapshot, key) !== undefined);
  const pairs = named.map(async ({ key, privateKey }) => {
    const own = privateKey === undefined ? undefined : await read(privateKey);
    return [key, { certificate: await read(key), privateKey: own }] as const;
  });
  return { files: new Map(await Promise.all(pairs)), now: Date.now() };
}
