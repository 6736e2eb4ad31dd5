/**
 * What a workspace says of its values: the file that `schema:` in the settings names.
 *
 *     sections:
 *       gitea:
 *         http_port: { type: port, required: section }
 *     json_schemas:
 *       my_app: my-app.schema.json
 */
import { z } from "zod";
import { formatPath, type Path, parsePath } from "./path.ts";
import { type ValueType, valueTypes } from "./value-types.ts";

/** The network of ports that are opened on this host. */
export const host = "host";

const typeNames = valueTypes.map(({ name }) => name);
const written = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const bound = z.union([z.number(), z.string()]);

const keySchema = z
  .strictObject({
    description: z.string().optional(),
    type: z.enum(typeNames).prefault("text"),
    /** `section`: only where the section has any value. An empty value is as good as none. */
    required: z.union([z.boolean(), z.literal("section")]).prefault(false),
    /** Shown nowhere, whatever its name. */
    secret: z.boolean().prefault(false),
    /** By type: of the number, of the duration, of the items, else of the characters. */
    min: bound.optional(),
    max: bound.optional(),
    /** What an enum may be. */
    values: z.array(written).min(1, "names no value").optional(),
    /** Keys that must have a value where this one has: of the same section, or `section.key`. */
    needs: z.array(z.string()).prefault([]),
    /** Where a port is opened: ports of one network must differ. */
    network: z.string().min(1, "is empty").optional(),
    /** What to do where a port is new and another program of this host listens on it. */
    if_taken: z.enum(["warn", "refuse"]).optional(),
    /** The key that names the file with a certificate's private key. */
    private_key: z.string().optional(),
    /** How hard a password is to guess at least, on zxcvbn's scale. */
    strength: z.int().min(1).max(4).optional(),
  })
  .superRefine((key, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: key });
    const { size } = typeNamed(key.type);
    for (const field of ["min", "max"] as const)
      if (key[field] !== undefined && size.bound(key[field]) === undefined)
        refuse(field, `is no bound for the type ${key.type}`);
    if (key.type === "enum" && key.values === undefined) refuse("values", "must say what an enum may be");
    if (key.type !== "enum" && key.values !== undefined) refuse("values", "goes with type: enum");
    if (key.type !== "port" && key.network !== undefined) refuse("network", "goes with type: port");
    if (key.if_taken !== undefined && (key.type !== "port" || (key.network ?? host) !== host))
      refuse("if_taken", `goes with type: port, and the network ${host}`);
    if (key.type !== "certificate" && key.private_key !== undefined)
      refuse("private_key", "goes with type: certificate");
  });

const sectionsSchema = z.record(z.string(), z.record(z.string(), keySchema)).superRefine((sections, context) => {
  const known = new Set(listKeys(sections).map(({ path }) => formatPath(path)));
  for (const { path, key } of listKeys(sections)) {
    const [, name] = path;
    if (name !== name.toLowerCase())
      context.addIssue({ code: "custom", path: [...path], message: "is written in small letters: keys are read so" });
    for (const other of [...key.needs, ...(key.private_key === undefined ? [] : [key.private_key])])
      if (!known.has(formatPath(siblingPath(path, other))))
        context.addIssue({
          code: "custom",
          path: [...path],
          message: `names "${other}", which has no schema`,
        });
  }
});

/** The shape of the file; its output is made for looking things up. */
export const valueSchemaFile = z
  .strictObject({
    /** Only keys that stand here are accepted. */
    strict: z.boolean().prefault(false),
    sections: sectionsSchema.prefault({}),
    /** By section, the file of its JSON Schema. */
    json_schemas: z.record(z.string(), z.string().min(1, "is empty")).prefault({}),
  })
  .transform(({ strict, sections, json_schemas }): ValueSchema => {
    const keys = listKeys(sections).map(({ path, key: written }): KeySchema => {
      const { type, needs, network, if_taken, private_key, ...key } = written;
      const [section] = path;
      const other = (name: string): string => formatPath(siblingPath(path, name));
      return {
        ...key,
        key: formatPath(path),
        section,
        type: typeNamed(type),
        needs: needs.map(other),
        privateKey: private_key === undefined ? undefined : other(private_key),
        network: network ?? host,
        ifTaken: if_taken ?? "warn",
      };
    });
    const jsonSchemas = Object.entries(json_schemas).map(([section, file]) => ({ section, file }));
    return { strict, keys, jsonSchemas };
  });

export interface ValueSchema {
  readonly strict: boolean;
  readonly keys: readonly KeySchema[];
  /** `file` as it is written. */
  readonly jsonSchemas: readonly { readonly section: string; readonly file: string }[];
}

export interface KeySchema
  extends Pick<
    z.output<typeof keySchema>,
    "description" | "required" | "secret" | "min" | "max" | "values" | "strength"
  > {
  /** The written path. */
  readonly key: string;
  readonly section: string;
  readonly type: ValueType;
  /** Written paths. */
  readonly needs: readonly string[];
  readonly network: string;
  readonly ifTaken: "warn" | "refuse";
  /** A written path. */
  readonly privateKey: string | undefined;
}

/** The patterns of the keys that a schema calls secret, as `secretPaths` takes them. */
export function secretKeys({ keys }: ValueSchema): string[] {
  return keys.flatMap(({ key, secret }) => (secret ? [key] : []));
}

function listKeys<Key>(
  sections: Readonly<Record<string, Readonly<Record<string, Key>>>>,
): { path: [string, string]; key: Key }[] {
  return Object.entries(sections).flatMap(([section, keys]) =>
    Object.entries(keys).map(([name, key]) => ({ path: [section, name] as [string, string], key })),
  );
}

function siblingPath([section = ""]: Path, other: string): Path {
  const path = parsePath(other) ?? [other];
  return path.length === 1 ? [section, ...path] : path;
}

function typeNamed(name: string): ValueType {
  const found = valueTypes.find((type) => type.name === name);
  if (found === undefined) throw new TypeError(`no type is called ${name}`);
  return found;
}
