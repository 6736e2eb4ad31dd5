/**
 * A workspace, put together: settings, services, sources, connections, ledger. What the daemon runs and what the commands look
 * at is built here, from the same parts.
 */
import { hash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type App, createApp } from "./apps/app.ts";
import type { Changed } from "./apps/change.ts";
import { createDoor, type Door } from "./apps/door.ts";
import type { Key } from "./config/encryption.ts";
import type { SchemaCheck } from "./config/json-schema-check.ts";
import type { Digest, Snapshot } from "./config/layers.ts";
import type { PathTest } from "./config/pattern.ts";
import { checkValues, errorsAmong } from "./config/rules/index.ts";
import { secretPaths } from "./config/secret.ts";
import { compileSections } from "./config/section-checks.ts";
import { ConfigSyncError, systemCode } from "./errors.ts";
import type { History } from "./history/history.ts";
import { openHistory } from "./history/index.ts";
import { reopening } from "./history/reopening.ts";
import { systemClock } from "./platform/clock.ts";
import type { ActionContext } from "./platform/context.ts";
import type { Docker } from "./platform/docker.ts";
import { keysOfFile, keysOfVariable, rawKeyOfFile } from "./platform/key-file.ts";
import { writeDurably } from "./platform/safe-write.ts";
import type { Supervisord } from "./platform/supervisord.ts";
import { loadServices, type Service } from "./services/catalog.ts";
import { loadSettings, readJsonSchema, type Settings } from "./settings.ts";
import { createSources, openEnvironmentSource } from "./sources/index.ts";
import type { Sealing } from "./sources/sealed.ts";
import type { Source } from "./sources/source.ts";
import { findBadChanges } from "./sync/advice.ts";
import { createEngine, type Engine } from "./sync/engine.ts";
import type { Emit } from "./sync/events.ts";
import type { Ledger } from "./sync/ledger.ts";
import { type Renderings, renderAll } from "./sync/renderings.ts";
import { loadedBy } from "./sync/taken-ports.ts";

export interface Workspace {
  readonly settings: Settings;
  readonly services: readonly Service[];
  /** The sections of the configuration that have a JSON Schema. */
  readonly sections: ReadonlyMap<string, SchemaCheck>;
  readonly app: App;
  readonly digest: Digest;
  /** Makes sure that the next process has the same digests. Only for who has the workspace to itself. */
  readonly keepKey: () => Promise<void>;
  readonly ledgerFile: string;
  /** What is sealed on disk is sealed with the first, and opened with all. Undefined where nothing is. Throws KEY_UNUSABLE. */
  readonly keys: (() => readonly Key[]) | undefined;
  /** The revisions of its apps. Only one process at a time may append to them. */
  readonly openHistory: (tell: (message: string) => void) => History;
  readonly connections: Connections;
}

/** The name of the host's own configuration. Sealed values are bound to it: another one would make all of them unreadable. */
const hostApp = "default";

export type Connections = Pick<ActionContext, "docker" | "supervisord">;

/** Looks only: nothing is written before `keepKey` is called. */
export async function openWorkspace(folder: string): Promise<Workspace> {
  const written = loadSettings(folder);
  const [services, sections, { digest, keepKey }] = await Promise.all([
    loadServices(written.templates, written.services),
    compileSections(written.schema, readJsonSchema),
    openDigest(written.state),
  ]);
  const settings = withSecretsOf(services, written);
  const sources = await openSources(settings);
  return {
    settings,
    services,
    sections,
    digest,
    keepKey,
    app: createApp(hostApp, sources, digest, (snapshot) => errorsIn(snapshot, { settings, sections })),
    ledgerFile: join(settings.state, "ledger.jsonl"),
    keys: sealingOf(settings).keys,
    openHistory: (tell) => {
      const { folder, state, history } = settings;
      return reopening(() => openHistory(history, { folder, state, tell }));
    },
    connections: connect(settings),
  };
}

/** What a manifest calls secret is so everywhere. */
function withSecretsOf(services: readonly Service[], settings: Settings): Settings {
  return { ...settings, secrets: [...settings.secrets, ...services.flatMap(({ manifest }) => manifest.secrets)] };
}

/**
 * Digests stand in the ledger for values and files, also for secret ones: they are keyed with a random key that never leaves
 * the state folder, so that a short password cannot be found by trying.
 */
export async function openDigest(state: string): Promise<Pick<Workspace, "digest" | "keepKey">> {
  const file = join(state, "key");
  const kept = await readKey(file);
  const key = kept ?? randomBytes(keyLength);
  const prefix = key.toString("hex");
  return {
    // The key stands on both sides, so that no digest can be lengthened into another; Node's own HMAC takes eighteen times as long.
    digest: (text) => hash("sha256", prefix + text + prefix).slice(0, 32),
    keepKey: async () => (kept === undefined ? writeDurably(file, key) : undefined),
  };
}

/** Undefined where there is none yet, or none that can be used: then everything counts as new. */
async function readKey(file: string): Promise<Buffer | undefined> {
  try {
    const key = await readFile(file);
    return key.length === keyLength ? key : undefined;
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw new ConfigSyncError("STATE_UNUSABLE", `${file} cannot be read: ${(cause as Error).message}`, {
      hint: "Run the command as the user that the daemon runs as",
      cause,
    });
  }
}

const keyLength = 32;

async function openSources({ sources, environment, folder, sync, ...settings }: Settings): Promise<Source[]> {
  const context = {
    folder,
    secretPaths: secretsOf(settings),
    sealing: sealingOf(settings),
    quiet: sync.quiet,
    lookEvery: sync.look_every,
    environment: process.env,
  };
  const all = createSources(sources, context);
  return environment === undefined ? all : [...all, await openEnvironmentSource(environment, context)];
}

/** Keys are read when there is something to seal or to open, and again whenever they are others. */
function sealingOf({ encryption }: Pick<Settings, "encryption">): Sealing {
  const { key_file, key_env, aes256_key_file } = encryption;
  const ofVariable = key_env === undefined ? undefined : keysOfVariable(key_env, process.env);
  return {
    // Right as long as these sources are those of the host's own app.
    app: hostApp,
    keys: key_file === undefined ? ofVariable : keysOfFile(key_file),
    aes256Key: aes256_key_file === undefined ? undefined : () => rawKeyOfFile(aes256_key_file),
  };
}

function journalFolder(state: string): string {
  return join(state, "journal");
}

/** The test for secret keys: what lets somebody into the API is one, whatever the settings say. */
export function secretsOf({ secrets, api }: Pick<Settings, "secrets" | "api">): PathTest {
  return secretPaths(api.keyFrom === undefined ? secrets : [...secrets, api.keyFrom]);
}

/** One connection each, opened when it is first needed. */
function connect({ docker, supervisord }: Settings): Connections {
  let engine: Promise<Docker> | undefined;
  let supervisor: Promise<Supervisord> | undefined;
  return {
    docker: () => {
      engine ??= import("./platform/docker.ts").then(({ createDocker }) => createDocker(docker));
      return engine;
    },
    supervisord: () => {
      supervisor ??= import("./platform/supervisord.ts").then(({ createSupervisord }) =>
        createSupervisord(supervisord),
      );
      return supervisor;
    },
  };
}

/**
 * The door to the workspace's configuration. To go through it takes having the workspace to oneself. `renderings` are those of the snapshot in
 * force; without them every service is rendered for a check.
 */
export function openDoor(workspace: Workspace, history: History, parts: DoorContext): Door {
  const { app, services, settings, digest } = workspace;
  const inputs = { ...inputsOf(workspace), digest };
  return createDoor({
    app,
    history,
    clock: systemClock,
    journal: journalFolder(settings.state),
    lastNumber: () => parts.ledger.revision()?.number ?? 0,
    onMended: parts.onMended,
    ...(parts.onNoted !== undefined && { onNoted: parts.onNoted }),
    looksOnly: parts.looksOnly ?? false,
    check: async (candidate, changes) => {
      refuseErrors(errorsIn(candidate, workspace));
      const loaded = loadedBy(services, parts.ledger, digest);
      refuseErrors(await findBadChanges(settings.schema, candidate, new Set(changes.map(({ key }) => key)), loaded));
      const renderings = parts.renderings?.();
      const before = renderings === undefined ? undefined : { renderings, changes };
      refuseNewErrors(renderAll(services, { ...inputs, snapshot: candidate }, before), renderings);
    },
  });
}

export interface DoorContext {
  readonly ledger: Pick<Ledger, "revision" | "record">;
  readonly onMended: (text: string) => void;
  readonly onNoted?: (noted: Changed) => void;
  /** For who does not have the workspace to itself, and so may not write. */
  readonly looksOnly?: boolean;
  readonly renderings?: (() => Renderings) | undefined;
}

/** What the schema of the workspace has against these values. */
function errorsIn(
  snapshot: Snapshot,
  { settings: { schema }, sections }: Pick<Workspace, "settings" | "sections">,
): ConfigSyncError[] {
  if (schema === undefined) return [];
  return errorsAmong(checkValues({ schema, snapshot, sections }));
}

/** All of them in one: the first has key, place and hint, the others stand in its message, and all of them in its cause. */
function refuseErrors([first, ...rest]: readonly ConfigSyncError[]): void {
  if (first === undefined) return;
  const { code, message, key, place, hint } = first;
  const more = rest.map((error) => `\n  ${error.toText()}`);
  const cause = rest.length === 0 ? undefined : new AggregateError([first, ...rest]);
  throw new ConfigSyncError(code, `${message}${more.join("")}`, { key, place, hint, cause });
}

/** A service that cannot be rendered already does not stand in the way of other changes. */
function refuseNewErrors(candidate: Renderings, before: Renderings | undefined): void {
  for (const [name, { error }] of candidate) {
    if (error === undefined || before?.get(name)?.error !== undefined) continue;
    const { code, message, key, hint } = error;
    // To who gave the value, the template's line is of no use.
    const place = key === undefined ? error.place : {};
    throw new ConfigSyncError(code, `${name} could not be given this: ${message}`, { place, key, hint, cause: error });
  }
}

/** What every rendering of the workspace's services is made with, besides the values. */
export function inputsOf({ settings }: Pick<Workspace, "settings">) {
  const { folder, paths, containers, programs, urls } = settings;
  return { folder, names: { paths, containers, programs, urls } };
}

/** Every service as these values make it; none without values. */
export function renderServices(workspace: Workspace, snapshot: Snapshot | undefined): Renderings {
  if (snapshot === undefined) return new Map();
  return renderAll(workspace.services, { ...inputsOf(workspace), digest: workspace.digest, snapshot });
}

/** The engine on a workspace, with a ledger that is ours alone. */
export function buildEngine(workspace: Workspace, door: Door, ledger: Ledger, emit: Emit): Engine {
  const { settings, services, digest, connections } = workspace;
  const { sync, roots, state } = settings;
  return createEngine({
    ...inputsOf(workspace),
    door,
    services,
    ledger,
    emit,
    digest,
    roots,
    clock: systemClock,
    journal: journalFolder(state),
    connections,
    parallel: sync.parallel,
    lookEvery: sync.check_every,
    reloadAttempts: sync.reload_attempts,
    settle: sync.settle,
    retry: { initial: sync.retry_first, factor: 2, max: sync.retry_longest },
  });
}
