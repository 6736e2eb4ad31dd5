import { z } from "zod";
import { argv, duration, fileMode, serviceName } from "../config/schema.ts";
import { ConfigSyncError, type Place } from "../errors.ts";
import { checkShape, parseYaml, type Tolerates } from "../formats/checked-yaml.ts";
import { formatNames } from "../formats/index.ts";
import { probes } from "../probe/index.ts";
import { reloads } from "../reload/index.ts";

/** What a service.yaml says, defaults filled in. Strings may still hold `{{…}}`. */
export interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly dependsOn: readonly string[];
  readonly outputs: readonly OutputManifest[];
  /** From cheap to expensive: a later one does what the earlier ones do. */
  readonly reload: readonly RuleManifest[];
  readonly probes: readonly ActionManifest[];
  readonly backoff: Backoff;
  readonly onFailure: "rollback" | "keep";
  /** Milliseconds between two reloads, at the least. A change that comes sooner waits for them. */
  readonly reloadEvery: number;
  /** The services that change together with this one or not at all. */
  readonly together: readonly string[];
  /** Patterns of configuration keys that are secret because the service treats them so. */
  readonly secrets: readonly string[];
  /** Where a value stands in the file. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place;
}

export interface OutputManifest {
  readonly path: string;
  readonly format: string;
  /** Undefined for an output that is nothing but the environment. */
  readonly template: string | undefined;
  /** Whether the environment of the service is written into it. */
  readonly environment: EnvironmentManifest | undefined;
  readonly merge: boolean;
  /** The file is written into, not replaced: a container that mounts it by itself would go on with the old one. */
  readonly inPlace: boolean;
  readonly mode: number | undefined;
  readonly owner: Owner | undefined;
  readonly check: readonly string[] | undefined;
  /** The output is written only while all these files are there. */
  readonly requires: readonly string[];
  readonly drift: DriftPolicy;
}

export interface EnvironmentManifest {
  /** Patterns of names that the service keeps for itself: `COMPOSE_*`. */
  readonly reserved: readonly string[];
}

/**
 * What is done about a file that somebody else changed: put it right again, only tell, or take the changed values over into the
 * source that they come from.
 */
export type DriftPolicy = "repair" | "report" | "adopt";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A kind of reload or probe, as far as manifests and rendering are concerned. */
export interface Kind {
  readonly kind: string;
  readonly schema: z.ZodType;
  readonly describe: (spec: never) => string;
}

/** One reload or probe: its kind, its spec as written, and where that stands in the file. */
export interface ActionManifest {
  readonly kind: Kind;
  readonly spec: unknown;
  readonly at: readonly PropertyKey[];
}

export interface RuleManifest {
  /** Patterns of configuration keys; undefined for any key. */
  readonly when: readonly string[] | undefined;
  readonly action: ActionManifest;
}

/** How often a probe asks until the service is healthy; milliseconds. */
export interface Backoff {
  readonly initial: number;
  readonly factor: number;
  readonly max: number;
  readonly give_up: number;
}

/**
 * Reads a manifest; `folderName` is what it must be called. Throws MANIFEST_INVALID with file, line and column of
 * the first problem, and all others in the message.
 */
export function readManifest(text: string, file: string, folderName: string): Manifest {
  const about = { file, code: "MANIFEST_INVALID" } as const;
  const { value, placeOf } = parseYaml(text, about);
  const written = checkShape(value, manifestShape, { ...about, placeOf });
  const refuse = (path: readonly PropertyKey[], message: string, hint?: string): never => {
    throw new ConfigSyncError("MANIFEST_INVALID", message, { place: placeOf(path), hint });
  };
  if (written.name !== folderName) {
    refuse(["name"], `name is "${written.name}", but the folder is called "${folderName}"`, "Give both the same name");
  }
  const checkAction = (
    kinds: readonly Kind[],
    kind: string,
    spec: unknown,
    at: readonly PropertyKey[],
  ): ActionManifest => {
    const known = kinds.find((candidate) => candidate.kind === kind);
    if (known === undefined) {
      const names = kinds.map((candidate) => candidate.kind).join(", ");
      return refuse(at, `${at.slice(0, -1).join(".")} has no kind "${kind}"`, `Kinds are ${names}`);
    }
    checkShape(spec, known.schema, { ...about, placeOf, at, tolerates: holdsTemplate });
    return { kind: known, spec, at };
  };
  const { backoff, ...probing } = written.probe;
  return {
    name: written.name,
    description: written.description,
    dependsOn: written.depends_on,
    outputs: written.outputs.map((output, index) =>
      checkOutput(output, (message, hint) => refuse(["outputs", index], message, hint)),
    ),
    reload: written.reload.map(({ when, ...kinds }, index) => {
      const [first, ...more] = Object.entries(kinds);
      if (first === undefined || more.length > 0) {
        const names = reloads.map(({ kind }) => kind).join(", ");
        return refuse(
          ["reload", index],
          "a reload rule has exactly one kind",
          `Kinds are ${names}; write two rules for two reloads`,
        );
      }
      const [kind, spec] = first;
      return { when, action: checkAction(reloads, kind, spec, ["reload", index, kind]) };
    }),
    probes: Object.entries(probing).map(([kind, spec]) => checkAction(probes, kind, spec, ["probe", kind])),
    backoff,
    onFailure: written.on_failure,
    reloadEvery: written.reload_every,
    together: written.with,
    secrets: written.secrets,
    placeOf,
  };
}

const templateFile = z
  .string()
  .regex(/^(?!\.)[\w.-]{1,255}$/, "is not the name of a file inside the service's folder, such as app.ini.hbs");

const owner = z
  .string()
  .regex(/^\d{1,10}:\d{1,10}$/, 'is not an owner: user and group number in quotes, such as "1000:1000"')
  .transform((text): Owner => {
    const [uid, gid] = text.split(":").map(Number);
    return { uid: uid ?? 0, gid: gid ?? 0 };
  });

const outputShape = z.strictObject({
  path: z.string().min(1, "is empty"),
  format: z.string(),
  template: templateFile.optional(),
  environment: z
    .union([z.boolean(), z.strictObject({ reserved: z.array(z.string().min(1, "is empty")).default([]) })])
    .default(false),
  merge: z.boolean().default(false),
  in_place: z.boolean().default(false),
  mode: fileMode.optional(),
  owner: owner.optional(),
  check: argv.optional(),
  requires: z.array(z.string().min(1, "is empty")).default([]),
  drift: z.enum(["repair", "report", "adopt"]).default("repair"),
});

const backoffShape = z
  .strictObject({
    initial: duration.default(200),
    factor: z.number().min(1).max(10).default(2),
    max: duration.default(5000),
    give_up: duration.default(60_000),
  })
  .refine(({ initial, max }) => initial >= 10 && initial <= max, "initial is at least 10ms and at most max")
  .refine(({ give_up }) => give_up >= 100, "give_up is at least 100ms");

export const manifestShape = z.strictObject({
  name: serviceName,
  description: z.string().default(""),
  depends_on: z.array(serviceName).default([]),
  outputs: z.array(outputShape).min(1, "needs at least one output"),
  reload: z
    .array(z.looseObject({ when: z.array(z.string().min(1, "is empty")).min(1, "is empty").optional() }))
    .default([]),
  probe: z.looseObject({ backoff: backoffShape.prefault({}) }).prefault({}),
  on_failure: z.enum(["rollback", "keep"]).default("rollback"),
  reload_every: duration.default(0),
  secrets: z.array(z.string().min(1, "is empty")).default([]),
  with: z.array(serviceName).default([]),
});

function checkOutput(
  output: z.output<typeof outputShape>,
  refuse: (message: string, hint: string) => never,
): OutputManifest {
  if (!formatNames.includes(output.format)) {
    return refuse(`there is no format "${output.format}"`, `Formats are ${formatNames.join(", ")}`);
  }
  const { mode, owner, check, in_place: inPlace, template, environment, ...rest } = output;
  if (template === undefined && environment === false)
    return refuse("an output needs something to be made of", "Name a template, or write environment: true");
  if (environment !== false && !output.format.startsWith("env:"))
    return refuse(`the environment cannot be written as ${output.format}`, "Choose env:compose, env:dotenv or env:raw");
  const given = environment === false ? undefined : { reserved: environment === true ? [] : environment.reserved };
  return { ...rest, mode, owner, check, inPlace, template, environment: given };
}

/** What holds a template gets its form only when it is filled in, and is held to the schema then. */
const holdsTemplate: Tolerates = (value) => typeof value === "string" && value.includes("{{");
