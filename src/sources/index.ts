import { basename, resolve } from "node:path";
import { type ZodType, z } from "zod";
import type { PathTest } from "../config/pattern.ts";
import { envSource } from "./env.ts";
import { fileSource } from "./file.ts";
import type { Sealing } from "./sealed.ts";
import type { Source } from "./source.ts";

/** What sources are made with. */
export interface SourceContext {
  /** Base folder for relative paths. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly secretPaths: PathTest;
  /** Without it nothing is sealed, and a sealed value is refused. */
  readonly sealing?: Sealing | undefined;
  /** Milliseconds without a write after which a file that is written in place counts as whole. */
  readonly quiet?: number | undefined;
  /** Milliseconds between the periodic looks. */
  readonly lookEvery: number;
}

/** A kind of source: one file a kind, one object here, one arm in `sourceSchema` and in `createSource`. */
interface SourceKind<Spec> {
  /** The key in config-sync.yaml that names the kind. */
  readonly kind: string;
  /** The entry in config-sync.yaml, that key included. */
  readonly schema: ZodType<Spec>;
  readonly create: (spec: Spec, context: SourceContext) => Source;
}

const fileSchema = z.strictObject({
  file: z.string().min(1),
  protected: z.boolean().optional(),
  substitute: z.boolean().default(false),
});

const file: SourceKind<z.output<typeof fileSchema>> = {
  kind: "file",
  schema: fileSchema,
  create: (spec, context) => {
    const name = basename(spec.file);
    // What only the system may change is not open to everybody because a line was left out.
    const isProtected = spec.protected ?? name === "system.ini";
    return fileSource({ ...context, ...spec, protected: isProtected, path: resolve(context.folder, spec.file), name });
  },
};

const envSchema = z.strictObject({
  env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*__$/, "is not a prefix: letters, digits and _, with __ at the end"),
});

const env: SourceKind<z.output<typeof envSchema>> = {
  kind: "env",
  schema: envSchema,
  create: (spec, context) => envSource({ ...context, prefix: spec.env }),
};

/** One entry of `sources` in config-sync.yaml: `{file: system.ini, protected: true}` or `{env: CONFIG_SYNC__}`. */
export const sourceSchema = z.union([file.schema, env.schema]);
export type SourceSpec = z.output<typeof sourceSchema>;

/** The sources of an app, as listed in its settings. */
export function createSources(specs: readonly SourceSpec[], context: SourceContext): Source[] {
  return specs.map((spec) => ("file" in spec ? file.create(spec, context) : env.create(spec, context)));
}

/** The document of the environment that services get: `environment` in config-sync.yaml. Loaded only where there is one. */
export async function openEnvironmentSource(path: string, context: SourceContext): Promise<Source> {
  const { environmentSource } = await import("./environment.ts");
  return environmentSource({ ...context, path, name: basename(path) });
}
