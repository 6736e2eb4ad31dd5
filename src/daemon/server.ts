/** Apps without services: the HTTP API on a file, or on nothing but the history. */
import { mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { accessFile, openAccess } from "../access/open.ts";
import type { AnswerEvent } from "../api/http/answer-log.ts";
import { type ApiParts, defaultLimits } from "../api/http/parts.ts";
import { serveHttp } from "../api/http/serve.ts";
import { openFileTree } from "../apps/file-tree.ts";
import { makeStoredTree, openStoredTree, type StoredTreeParts } from "../apps/stored-tree.ts";
import type { TreeApp } from "../apps/tree-app.ts";
import { openTrees } from "../apps/trees.ts";
import { auditFolder } from "../audit/files.ts";
import { listEntries } from "../audit/query.ts";
import type { Key } from "../config/encryption.ts";
import { secretPaths } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import { lockFolder } from "../history/git/lock.ts";
import { defaultHistory, openHistory } from "../history/index.ts";
import { systemClock } from "../platform/clock.ts";
import { version } from "../version.ts";
import { openDigest } from "../workspace.ts";
import { createAuditing } from "./auditing.ts";
import { asStateError } from "./running.ts";

export interface ServerOptions {
  /** The file that is the app `default`, absolute. Without it `default` is an app like the others. */
  readonly config?: string | undefined;
  /** Where history, keys and audit log are kept, absolute. */
  readonly state: string;
  readonly host: string;
  readonly port: number;
  /** A key that may do everything, beside those that are kept. */
  readonly apiKey?: string | undefined;
  readonly readOnly: boolean;
  /** What secrets are sealed with, as in `StoredTreeParts`. */
  readonly keys?: (() => readonly Key[]) | undefined;
  readonly tell: (text: string) => void;
}

export interface Server {
  readonly addresses: readonly string[];
  /** The key of the first admin, where nobody was known and none was given: to be shown this once. */
  readonly adminKey: string | undefined;
  readonly apps: number;
  readonly stop: () => Promise<void>;
}

const host = "default";

/** Resolves when it listens. Throws SETTINGS_INVALID (the address), KEY_UNUSABLE, DAEMON_RUNNING, STATE_UNUSABLE, HISTORY_UNUSABLE, and what is wrong with the file. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, state, apiKey, readOnly, tell, keys } = options;
  keys?.();
  await using opened = new AsyncDisposableStack();
  const digest = await takeState(state);
  opened.defer(await lockState(state));
  const history = opened.adopt(await openHistory(defaultHistory, { folder: state, state, tell }), (one) => one.close());
  const isSecret = secretPaths([]);
  const stored: StoredTreeParts = { history: () => history, clock: systemClock, digest, isSecret, keys };
  const journal = join(state, "journal");
  const main =
    config === undefined
      ? await openHost(stored)
      : opened.adopt(await openFileTree({ ...stored, name: host, path: config, history, journal, tell }), (one) =>
          one.stop(),
        );
  const trees = await openTrees(main, stored);
  const auditing = createAuditing({ state, snapshot: () => undefined, onTrouble: tell });
  opened.defer(auditing.settled);
  const access = await openAccess({
    file: accessFile(state),
    configuredKey: () => apiKey,
    configuredSection: () => undefined,
    configuredGrant: { role: "admin" },
  });
  const adminKey = apiKey === undefined ? await access.ensureAdmin() : undefined;
  const parts: ApiParts = {
    ...withoutServices(main),
    trees,
    access,
    audit: { append: auditing.append, list: (query) => listEntries(auditFolder(state), query) },
    owner: userInfo().username,
    version,
    note: (event) => tellOf(event, tell),
  };
  const api = await serveHttp(parts, {
    listen: [{ host: options.host, port: options.port }, { socket: join(state, "server.sock") }],
    hosts: [],
    cors: [],
    readOnly: readOnly ? "this server only reads: it was started with --read-only" : undefined,
    limits: defaultLimits,
  });
  opened.defer(api.close);
  const all = opened.move();
  return { addresses: api.addresses, adminKey, apps: trees.names().length, stop: () => all.disposeAsync() };
}

async function takeState(state: string): Promise<(text: string) => string> {
  try {
    await mkdir(state, { recursive: true, mode: 0o700 });
    const { digest, keepKey } = await openDigest(state);
    await keepKey();
    return digest;
  } catch (error) {
    throw asStateError(error, state);
  }
}

/** Throws DAEMON_RUNNING where another process has it. */
async function lockState(state: string): Promise<() => Promise<void>> {
  try {
    const unlock = await lockFolder(state);
    return async () => unlock();
  } catch (cause) {
    throw new ConfigSyncError("DAEMON_RUNNING", `another config-sync server keeps its state in ${state}`, {
      hint: "Name another folder with --state",
      cause,
    });
  }
}

async function openHost(stored: StoredTreeParts): Promise<TreeApp> {
  const by = { author: "config-sync", message: "begin without values" };
  return (await openStoredTree(host, stored)) ?? makeStoredTree(host, { data: {}, schema: undefined }, by, stored);
}

/** What takes services says that there are none. */
function withoutServices(main: TreeApp): Omit<ApiParts, "trees" | "access" | "audit" | "owner" | "version" | "note"> {
  const since = Date.now();
  const refuse = async (): Promise<never> => {
    throw new ConfigSyncError("NOT_FOUND", "this server has apps and no services", {
      hint: "What has services is config-sync start",
    });
  };
  return {
    app: () => undefined,
    services: () => [],
    status: async () => {
      const { number, hash, at } = main.current().revision;
      const daemon = { pid: process.pid, since, version };
      return { daemon, revision: { number, hash, at }, problems: [], services: [] };
    },
    plan: refuse,
    agree: refuse,
    apply: refuse,
    lookAgain: main.reload,
    reload: refuse,
    retry: refuse,
    explain: refuse,
    subscribe: () => () => undefined,
  };
}

function tellOf(event: AnswerEvent, tell: (text: string) => void): void {
  if (event.type === "trouble") tell(event.text);
  if (event.type === "fault") {
    const { error, instance } = event;
    tell(`a fault of ours, ${instance}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
