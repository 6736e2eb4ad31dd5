/** What a schema asks for that cannot be told from the values alone: how hard passwords are to guess, what certificates hold. */
import type { Snapshot } from "../config/layers.ts";
import { checkValues, errorsAmong } from "../config/rules/index.ts";
import { type Facts, filled, type Violation } from "../config/rules/rule.ts";
import { reveal } from "../config/secret.ts";
import { loadStrength } from "../config/strength.ts";
import type { KeySchema, ValueSchema } from "../config/value-schema.ts";
import type { ConfigSyncError } from "../errors.ts";
import { readPem } from "../platform/certificate-files.ts";

/** Everything that the rules find, those that take time too. Nothing without a schema. */
export async function adviseOn(
  schema: ValueSchema | undefined,
  snapshot: Snapshot | undefined,
): Promise<readonly Violation[]> {
  if (schema === undefined || snapshot === undefined) return [];
  const asksForStrength = schema.keys.some(({ strength }) => strength !== undefined);
  const strengthOf = asksForStrength ? await loadStrength() : undefined;
  return checkValues({ schema, snapshot, strengthOf, certificates: await readCertificates(schema, snapshot) });
}

/** What is wrong with the certificates of these keys. One that expired meanwhile does not stand in the way of another change. */
export async function findBadCertificates(
  schema: ValueSchema | undefined,
  snapshot: Snapshot,
  changed: ReadonlySet<string>,
): Promise<readonly ConfigSyncError[]> {
  const isMeant = ({ key, privateKey }: KeySchema): boolean =>
    changed.has(key) || (privateKey !== undefined && changed.has(privateKey));
  const meant = schema?.keys.filter((key) => key.type.name === "certificate" && isMeant(key)) ?? [];
  if (schema === undefined || meant.length === 0) return [];
  const narrowed = { ...schema, strict: false, keys: meant };
  const found = checkValues({ schema: narrowed, snapshot, certificates: await readCertificates(narrowed, snapshot) });
  return errorsAmong(found);
}

async function readCertificates(
  { keys }: ValueSchema,
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
