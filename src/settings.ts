/** The daemon's own settings: `config-sync.yaml` in the workspace folder. Relative paths in it start at that folder. */
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { apiSchema, resolveApi } from "./api/api-settings.ts";
import type { HttpSettings } from "./api/http/parts.ts";
import { parseDuration } from "./config/coerce.ts";
import type { JsonTree } from "./config/json.ts";
import { duration, serviceName } from "./config/schema.ts";
import { Secret } from "./config/secret.ts";
import { secretKeys, type ValueSchema, valueSchemaFile } from "./config/value-schema.ts";
import { ConfigSyncError, systemCode } from "./errors.ts";
import { parseCheckedYaml, parseYaml } from "./formats/checked-yaml.ts";
import { defaultHistory, historySchema } from "./history/index.ts";
import { readTextFile } from "./platform/read-text.ts";
import { realFolder, settingsFile, usualState } from "./settings/state-folder.ts";
import { sourceSchema } from "./sources/index.ts";

export { settingsFile } from "./settings/state-folder.ts";

/** A part of the settings that may be left out, or left empty: all its lines are comments then. */
function part<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((written) => written ?? {}, schema);
}

const names = part(z.record(z.string(), z.string()));
const path = z.string().regex(/^[^\0]+$/, "is not a path");
/** A timer of 0 ms would turn the daemon into a heater, and so would one that is too long for a timer (25 days). */
function between(least: string, most: string) {
  const [from = 0, to = 0] = [parseDuration(least), parseDuration(most)];
  return duration.refine((given) => given >= from && given <= to, `is not between ${least} and ${most}`);
}

const schema = z.strictObject({
  /** From weakest to strongest; protected ones beat all others. */
  sources: z.array(sourceSchema).min(1, "needs at least one source"),
  /** The file of the environment variables that services get. */
  environment: path.optional(),
  /** The folders under `templates` that are in use. */
  services: z.array(serviceName),
  templates: path.prefault("templates"),
  /** Where the ledger, the journals and the control socket are. */
  state: path.prefault(usualState),
  /** The folders that outputs may be in; nothing outside of them is ever written. */
  roots: z.array(path).min(1, "needs at least one folder that outputs may be in"),
  /** Keys that are secret, in addition to those whose name says so. */
  secrets: z.preprocess((written) => written ?? [], z.array(z.string())),
  /** The key that secrets are sealed with in their files: of a file or of the environment. */
  encryption: part(
    z
      .strictObject({
        key_file: path.optional(),
        key_env: z.string().min(1).optional(),
        /** For `AES256:` values of Websoft9. */
        aes256_key_file: path.optional(),
      })
      .refine(
        ({ key_file, key_env }) => key_file === undefined || key_env === undefined,
        "key_file or key_env, not both",
      ),
  ),
  /** The file that says what values may be. */
  schema: path.optional(),
  /** Names for manifests and templates: `{{paths.gitea_app_ini}}`. Paths are relative to the workspace. */
  paths: names,
  containers: names,
  programs: names,
  urls: names,
  docker: part(
    z.strictObject({
      /** `unix:///var/run/docker.sock`, `tcp://host:2376`; without it DOCKER_HOST, then the usual socket. */
      host: z.string().optional(),
      /** A folder with ca.pem, cert.pem and key.pem. */
      certificates: path.optional(),
    }),
  ),
  supervisord: part(
    z.strictObject({
      /** `unix:///var/run/supervisor.sock` or `http://127.0.0.1:9001`. */
      url: z.string().prefault("unix:///var/run/supervisor.sock"),
      username: z.string().optional(),
      password: z.string().optional(),
      /** The environment variable that holds the password. */
      password_env: z.string().optional(),
    }),
  ),
  sync: part(
    z.strictObject({
      /** How long a file that is written in place must have been left alone before it is read. */
      quiet: between("0ms", "10s").prefault("20ms"),
      /** How often the sources are looked at without any hint. */
      look_every: between("10ms", "24h").prefault("2s"),
      /** How often every output is compared with what it should be. */
      check_every: between("10ms", "24h").prefault("30s"),
      /** In a burst of changes a service is reloaded when it has been left alone for `min`, and at the latest after `max`. */
      settle: part(
        z
          .strictObject({ min: between("0ms", "1h").prefault("100ms"), max: between("0ms", "24h").prefault("2s") })
          .refine(({ min, max }) => min <= max, "min is at most max"),
      ),
      /** How many services are worked on side by side. */
      parallel: z.int().min(1).max(256).prefault(16),
      /** How often a service may refuse to reload before the change is taken back. */
      reload_attempts: z.int().min(1).max(100).prefault(3),
      /** The pauses between failed tries of a service: the first, and the longest. */
      retry_first: between("10ms", "24h").prefault("500ms"),
      retry_longest: between("10ms", "24h").prefault("60s"),
    }),
  ),
  /** Where the revisions are kept. */
  history: historySchema.prefault(defaultHistory),
  api: part(apiSchema),
  log: part(
    z.strictObject({
      level: z.enum(["debug", "info", "warn", "error"]).prefault("info"),
      /** `text` for people, `json` for collectors; without it text on a terminal and JSON elsewhere. */
      format: z.enum(["text", "json"]).optional(),
    }),
  ),
});

/** For whoever describes the file to others. */
export { schema as settingsSchema };

type Written = z.output<typeof schema>;

/** The settings with every path absolute and every secret wrapped. */
export interface Settings extends Omit<Written, "supervisord" | "docker" | "api" | "schema"> {
  readonly file: string;
  /** The workspace: the folder of the file. */
  readonly folder: string;
  /** What values may be; those that it calls secret stand in `secrets`, too. */
  readonly schema: ValueSchema | undefined;
  readonly docker: { readonly host: string | undefined; readonly certificates: string | undefined };
  readonly supervisord: {
    readonly url: string;
    readonly username: string | undefined;
    readonly password: Secret | undefined;
  };
  readonly api: HttpSettings & {
    /** The key of the configuration that holds an API key. */
    readonly keyFrom: string | undefined;
  };
}

/** Reads the settings of a workspace. Throws SETTINGS_INVALID with every problem and its line. */
export function loadSettings(
  folder: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const file = join(realFolder(folder), settingsFile);
  const hint = 'Run "config-sync init" to make a workspace, or name one with --workspace';
  return parseSettings(readSettings(file, hint), file, environment);
}

function readSettings(file: string, whenMissing: string): string {
  try {
    return readTextFile(file);
  } catch (cause) {
    const missing = systemCode(cause) === "ENOENT";
    throw new ConfigSyncError("SETTINGS_INVALID", missing ? "there is no such file" : (cause as Error).message, {
      place: { file },
      hint: missing ? whenMissing : undefined,
      cause,
    });
  }
}

/** The settings as they are written, and the schema that they name. Throws as `loadSettings` does. */
export function parseSettings(
  text: string,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const { value: written, placeOf } = parseCheckedYaml(text, schema, { file, code: "SETTINGS_INVALID" });
  const folder = dirname(file);
  const at = (path: string): string => resolve(folder, path);
  const { docker, supervisord, encryption } = written;
  const atIfAny = (path: string | undefined): string | undefined => (path === undefined ? undefined : at(path));
  refuseNamesakes(written, placeOf);
  const twice = written.services.find((name, index) => written.services.indexOf(name) !== index);
  if (twice !== undefined) {
    const place = placeOf(["services", written.services.lastIndexOf(twice)]);
    throw new ConfigSyncError("SETTINGS_INVALID", `services names "${twice}" twice`, { place });
  }
  const valueSchema = written.schema === undefined ? undefined : loadSchema(at(written.schema));
  return {
    ...written,
    file,
    folder,
    environment: atIfAny(written.environment),
    schema: valueSchema,
    secrets: valueSchema === undefined ? written.secrets : [...written.secrets, ...secretKeys(valueSchema)],
    templates: at(written.templates),
    state: at(written.state),
    roots: written.roots.map(at),
    api: resolveApi(written.api, at),
    encryption: {
      ...encryption,
      key_file: atIfAny(encryption.key_file),
      aes256_key_file: atIfAny(encryption.aes256_key_file),
    },
    docker: { host: docker.host, certificates: atIfAny(docker.certificates) },
    supervisord: {
      url: supervisord.url,
      username: supervisord.username,
      password: findPassword(supervisord, environment, () => placeOf(["supervisord", "password_env"])),
    },
  };
}

function loadSchema(file: string): ValueSchema {
  const text = readSettings(file, "Correct schema in config-sync.yaml, or remove it");
  const { value } = parseCheckedYaml(text, valueSchemaFile, { file, code: "SETTINGS_INVALID" });
  const jsonSchemas = value.jsonSchemas.map((one) => ({ ...one, file: resolve(dirname(file), one.file) }));
  return { ...value, jsonSchemas };
}

/** A JSON Schema that the schema of the workspace names. YAML reads JSON, too, and knows its lines. */
export function readJsonSchema(file: string): JsonTree {
  const text = readSettings(file, "Correct json_schemas in the schema of the workspace, or remove it");
  const { value } = parseYaml(text, { file, code: "SETTINGS_INVALID" });
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonTree;
  throw new ConfigSyncError("SETTINGS_INVALID", "is no JSON Schema: it holds no object", { place: { file } });
}

/** Messages and the history know a source by the name of its file. */
function refuseNamesakes(
  { sources, environment }: Pick<Written, "sources" | "environment">,
  placeOf: (path: (string | number)[]) => ConfigSyncError["place"],
): void {
  const files = [...sources.map((source) => ("file" in source ? source.file : undefined)), environment];
  const names = files.map((file) => file && basename(file));
  const second = names.findIndex((name, index) => name !== undefined && names.indexOf(name) < index);
  if (second < 0) return;
  throw new ConfigSyncError("SETTINGS_INVALID", `two sources are called ${names[second]}`, {
    place: placeOf(second < sources.length ? ["sources", second] : ["environment"]),
    hint: "Rename one of the files: nobody could tell them apart",
  });
}

function findPassword(
  { password, password_env }: Written["supervisord"],
  environment: Readonly<Record<string, string | undefined>>,
  place: () => ConfigSyncError["place"],
): Secret | undefined {
  if (password_env === undefined) return password === undefined ? undefined : new Secret(password);
  const found = environment[password_env];
  if (found !== undefined) return new Secret(found);
  throw new ConfigSyncError("SETTINGS_INVALID", `the environment variable ${password_env} is not set`, {
    place: place(),
    hint: "Set it where config-sync is started, or write supervisord.password instead",
  });
}
