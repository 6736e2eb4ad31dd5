/**
 * A workspace, put together: settings, services, sources, connections, ledger. What the daemon runs and what the commands look
 * at is built here, from the same parts.
 */
import { hash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type App, createApp } from "./apps/app.ts";
import type { Digest } from "./config/layers.ts";
import { secretPaths } from "./config/secret.ts";
import { ConfigSyncError, systemCode } from "./errors.ts";
import { systemClock } from "./platform/clock.ts";
import type { ActionContext } from "./platform/context.ts";
import type { Docker } from "./platform/docker.ts";
import { writeDurably } from "./platform/safe-write.ts";
import type { Supervisord } from "./platform/supervisord.ts";
import { loadServices, type Service } from "./services/catalog.ts";
import { loadSettings, type Settings } from "./settings.ts";
import { createSources } from "./sources/index.ts";
import type { Source } from "./sources/source.ts";
import { createEngine, type Engine } from "./sync/engine.ts";
import type { Emit } from "./sync/events.ts";
import type { Ledger } from "./sync/ledger.ts";

export interface Workspace {
  readonly settings: Settings;
  readonly services: readonly Service[];
  readonly app: App;
  readonly digest: Digest;
  /** Makes sure that the next process has the same digests. Only for who has the workspace to itself. */
  readonly keepKey: () => Promise<void>;
  readonly ledgerFile: string;
  readonly connections: Connections;
}

export type Connections = Pick<ActionContext, "docker" | "supervisord">;

/** Looks only: nothing is written before `keepKey` is called. */
export async function openWorkspace(folder: string): Promise<Workspace> {
  const settings = loadSettings(folder);
  const [services, { digest, keepKey }] = await Promise.all([
    loadServices(settings.templates, settings.services),
    openDigest(settings.state),
  ]);
  return {
    settings,
    services,
    digest,
    keepKey,
    app: createApp("default", openSources(settings), digest),
    ledgerFile: join(settings.state, "ledger.jsonl"),
    connections: connect(settings),
  };
}

/**
 * Digests stand in the ledger for values and files, also for secret ones: they are keyed with a random key that never leaves
 * the state folder, so that a short password cannot be found by trying.
 */
async function openDigest(state: string): Promise<Pick<Workspace, "digest" | "keepKey">> {
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

function openSources({ sources, folder, secrets, sync, state }: Settings): Source[] {
  return createSources(sources, {
    folder,
    secretPaths: secretPaths(secrets),
    quiet: sync.quiet,
    lookEvery: sync.look_every,
    environment: process.env,
    journal: journalFolder(state),
  });
}

function journalFolder(state: string): string {
  return join(state, "journal");
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

/** The engine on a workspace, with a ledger that is ours alone. */
export function buildEngine(workspace: Workspace, ledger: Ledger, emit: Emit): Engine {
  const { settings, services, app, digest, connections } = workspace;
  const { sync, folder, roots, state, paths, containers, programs, urls } = settings;
  return createEngine({
    app,
    services,
    ledger,
    emit,
    digest,
    folder,
    roots,
    clock: systemClock,
    names: { paths, containers, programs, urls },
    journal: journalFolder(state),
    connections,
    parallel: sync.parallel,
    lookEvery: sync.check_every,
    reloadAttempts: sync.reload_attempts,
    settle: sync.settle,
    retry: { initial: sync.retry_first, factor: 2, max: sync.retry_longest },
  });
}
