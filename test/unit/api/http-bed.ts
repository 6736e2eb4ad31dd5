import { hash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { decodeJwt } from "jose";
import type { Access } from "../../../src/access/access.ts";
import { openAccess } from "../../../src/access/open.ts";
import type { Grant } from "../../../src/access/principal.ts";
import { signToken } from "../../../src/access/tokens.ts";
import type { AnswerEvent } from "../../../src/api/http/answer-log.ts";
import type { Api } from "../../../src/api/http/api.ts";
import { createEventLog } from "../../../src/api/http/event-log.ts";
import { createMetrics } from "../../../src/api/http/metrics.ts";
import { type ApiApp, type ApiParts, defaultLimits, type HttpSettings } from "../../../src/api/http/parts.ts";
import { buildServer } from "../../../src/api/http/server.ts";
import type { Changed, Edit, Signature } from "../../../src/apps/change.ts";
import { createDoorTree } from "../../../src/apps/door-tree.ts";
import type { TreeApps } from "../../../src/apps/tree-app.ts";
import { openTrees } from "../../../src/apps/trees.ts";
import type { Told } from "../../../src/audit/entry.ts";
import { diffSnapshots } from "../../../src/config/diff.ts";
import { type Layer, mergeLayers, type Snapshot } from "../../../src/config/layers.ts";
import { formatPath, type Path } from "../../../src/config/path.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { editConfigIni } from "../../../src/formats/ini/config-ini.ts";
import type { Revision } from "../../../src/history/history.ts";
import { memoryHistory } from "../../../src/history/memory.ts";
import { createEntryReader } from "../../../src/sources/ini-entries.ts";
import { type SyncEvent, showChange } from "../../../src/sync/events.ts";
import type { ServiceState, StatusReport } from "../../../src/sync/status.ts";

export const configIni = `# what a person may change
[gitea]
http_port = 3000
user_pwd = hunter2-planted
base_url = http://bot:url-planted@git.example.com/

[web]
port = 8080

[api_key]
key = key-planted-and-long
`;

export const systemIni = "[max_apps]\nkey = 2\n";

/** Every planted secret holds this. */
export const planted = "planted";

/** The parts of the API in memory: real values, edits and revisions; services that the test moves by hand. */
export interface Bed {
  readonly parts: ApiParts;
  readonly app: ApiApp;
  readonly emit: (event: SyncEvent) => void;
  readonly setState: (service: string, state: ServiceState) => void;
  readonly notes: AnswerEvent[];
  readonly called: string[];
  /** The audit log. */
  readonly acts: Told[];
}

export const services: Readonly<Record<string, readonly string[]>> = {
  gitea: ["gitea"],
  proxy: ["web.port", "gitea.http_port"],
};

export async function createBed(over: Partial<ApiParts> = {}): Promise<Bed> {
  const { access } = await whoIsKnown();
  const listeners = new Set<(event: SyncEvent) => void>();
  const notes: AnswerEvent[] = [];
  const called: string[] = [];
  const acts: Told[] = [];
  const states = new Map<string, ServiceState>(Object.keys(services).map((name) => [name, "healthy"]));
  const emit = (event: SyncEvent): void => {
    for (const tell of listeners) tell(event);
  };
  const app = createMemoryApp(emit);
  const note = (name: string) => async (service?: string) => {
    called.push(service === undefined ? name : `${name} ${service}`);
  };

  const status = async (): Promise<StatusReport> => {
    const { head } = app.current();
    const number = head?.number ?? 0;
    return {
      daemon: { pid: 1, since: 1, version: "1.0.0" },
      revision: head === undefined ? null : { number, hash: head.hash, at: head.at },
      problems: [],
      services: [...states].map(([name, state]) => {
        const live = state === "healthy" ? number : number - 1;
        return { name, state, desired: number, live, drift: false, lastReload: null, retryAt: null, trouble: null };
      }),
    };
  };

  const plan: ApiParts["plan"] = async (edits) => ({
    hash: `plan-${app.current().head?.number}-${edits.map(({ path, value }) => `${path.join(".")}=${value}`).join()}`,
    services: Object.keys(services).map((name) => ({
      name,
      verdict: "apply" as const,
      why: `${name} changed`,
      outputs: [{ path: `${name}.conf`, action: "update" as const, diff: [{ kind: "added" as const, text: name }] }],
      reload: null,
      probes: [],
    })),
  });

  const trees = await createTrees(app, listeners);
  const parts: ApiParts = {
    trees,
    app: (name) => (name === "default" ? app : undefined),
    services: () => Object.entries(services).map(([name, uses]) => ({ name, uses })),
    status,
    plan,
    agree: async (given, request) => {
      if (given !== undefined && given !== (await plan(request.edits)).hash)
        throw new ConfigSyncError("PLAN_MOVED", "the plan is another one by now");
      return request.edits.length === 0 ? undefined : app.change(request);
    },
    apply: note("apply"),
    lookAgain: note("look"),
    reload: note("reload"),
    retry: note("retry"),
    explain: async (path) => {
      const entries = app.current().snapshot?.entries ?? new Map();
      const keys = [...entries.keys()].filter((key) => key === path || key.startsWith(`${path}.`));
      if (keys.length === 0) throw new ConfigSyncError("NOT_FOUND", `no source has a key ${path}`);
      const usedBy = Object.keys(services).map((service) => ({ service, output: `${service}.conf` }));
      return keys.map((key) => ({ key, value: "x", candidates: [], usedBy, unknown: [] }));
    },
    subscribe: (tell) => {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    access,
    audit: {
      append: async (told) => void acts.push(told),
      list: ({ limit }) => acts.map((told, index) => ({ ...told, seq: index + 1, at: 0 })).slice(0, limit),
    },
    owner: "owner",
    version: "1.0.0",
    note: (event) => void notes.push(event),
    ...over,
  };
  return { parts, app, emit, setState: (service, state) => void states.set(service, state), notes, called, acts };
}

/** The app of the bed as a tree, and others in memory: `shop`, `other` and `typed`, which has a schema. */
async function createTrees(app: ApiApp, listeners: Set<(event: SyncEvent) => void>): Promise<TreeApps> {
  const isSecret = secretPaths(["api_key.key"]);
  const host = createDoorTree({
    ...app,
    isSecret,
    rehearse: async ({ edits }) => {
      const [found] = await app.validate(edits);
      if (found !== undefined) throw new ConfigSyncError("VALUE_INVALID", found.text, { key: found.key });
    },
    lookAgain: async () => undefined,
    listen: (listener) => void listeners.add(listener),
  });
  const history = memoryHistory();
  const clock = { now: () => 1_000 };
  const trees = await openTrees(host, {
    history: () => history,
    clock,
    digest: (text) => hash("sha256", text),
    isSecret,
  });
  const by = { author: "test", message: "made" };
  const data = { gitea: { user_pwd: "stored-planted" }, web: { port: 8080, tags: ["a"] } };
  await trees.create("shop", { data }, by);
  await trees.create("other", { data: { web: { owner: "ann", token: "token-planted" } } }, by);
  const schema = { properties: { web: { properties: { port: { type: "integer", maximum: 65535 } } } } };
  await trees.create("typed", { data: { web: { port: 1 } }, schema }, by);
  return trees;
}

export const settings: HttpSettings = { listen: [], hosts: [], cors: [], limits: defaultLimits };

/** A server without an address, to inject requests into. */
export async function createInjected(given?: Bed, over: Partial<HttpSettings> = {}) {
  const bed = given ?? (await createBed());
  const stopping = new AbortController();
  const log = createEventLog({ events: 100, bytes: 100_000 });
  bed.parts.subscribe(log.add);
  const api: Api = {
    ...bed.parts,
    settings: { ...settings, ...over },
    log,
    metrics: createMetrics(),
    streams: new Set(),
    sockets: new Set(),
    stopping: stopping.signal,
    ending: new AbortController().signal,
  };
  const isLocal = ({ headers }: IncomingMessage): boolean => headers["test-local"] !== undefined;
  const server = await buildServer(api, isLocal);
  const { keyOf, tokenOf } = await whoIsKnown();
  return { ...bed, api, server, keyOf, tokenOf, stop: () => stopping.abort() };
}

function createMemoryApp(emit: (event: SyncEvent) => void): ApiApp {
  const secret = secretPaths(["api_key.key"]);
  const layer = (name: string, text: string): Layer => {
    const entries = createEntryReader({ name, secretPaths: secret })(text);
    return { source: name, protected: name === "system.ini", entries };
  };
  const snapshotOf = (text: string): Snapshot =>
    mergeLayers([layer("config.ini", text), layer("system.ini", systemIni)], (value) => hash("sha256", value));
  let text = configIni;
  let snapshot = snapshotOf(text);
  const revisions: Revision[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  const append = (author: string, message: string): Revision => {
    const number = revisions.length + 1;
    const documents = [{ name: "config.ini", bytes: Buffer.from(text) }];
    const revision = { number, parent: number - 1 || null, author, at: 0, message, hash: snapshot.hash, documents };
    revisions.push(revision);
    return revision;
  };
  append("file", "first");

  const take = (signature: Signature, wanted: () => string): Promise<Changed> => {
    const result = turn.then(async () => {
      // Something else could come in between here, if the turns did not keep it out.
      await new Promise(setImmediate);
      const head = revisions.at(-1);
      if (signature.expected !== undefined && signature.expected !== head?.number)
        throw new ConfigSyncError("REVISION_MOVED", `the newest revision is ${head?.number}`);
      text = wanted();
      const after = snapshotOf(text);
      const changes = diffSnapshots(snapshot, after);
      snapshot = after;
      const revision = changes.length === 0 && head !== undefined ? head : append(signature.author, signature.message);
      const { number, at } = revision;
      emit({ type: "revision", revision: { number, hash: snapshot.hash, at }, changes: changes.map(showChange) });
      return { revision, changes };
    });
    turn = result.catch(() => undefined);
    return result;
  };

  const requireWritable = (path: Path): void => {
    if (path[0] !== "max_apps") return;
    const key = formatPath(path);
    throw new ConfigSyncError("READ_ONLY", `${key} comes from system.ini, which may not be written`, { key });
  };

  return {
    name: "default",
    current: () => ({ snapshot, head: revisions.at(-1), problems: [] }),
    change: async ({ edits, ...signature }) => {
      for (const { path } of edits) requireWritable(path);
      return take(signature, () => editConfigIni(text, expand(edits, snapshot)));
    },
    rollBack: async ({ to, ...signature }) => {
      const [document] = revisions[to - 1]?.documents ?? [];
      if (document === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no revision ${to}`);
      return take(signature, () => Buffer.from(document.bytes).toString());
    },
    // There is no key here.
    seal: async (signature) => ({ ...(await take(signature, () => text)), keys: [] }),
    validate: async (edits) =>
      edits.some(({ value }) => value === "bad")
        ? [{ severity: "error", text: "gitea.http_port is bad", code: "VALUE_INVALID", key: "gitea.http_port" }]
        : [],
    isWritable: ([section]) => section !== "max_apps",
    revisions: async ({ limit, before = Number.POSITIVE_INFINITY }) =>
      revisions
        .filter(({ number }) => number < before)
        .reverse()
        .slice(0, limit),
    revision: async (number) => revisions[number - 1],
    read: async ({ documents: [document] }) => snapshotOf(Buffer.from(document?.bytes ?? []).toString()),
  };
}

/** A section that goes is all its keys that go. */
function expand(edits: readonly Edit[], snapshot: Snapshot): { path: Path; value: string | undefined }[] {
  return edits.flatMap(({ path, value }) =>
    path.length > 1
      ? { path, value }
      : [...snapshot.entries.values()].flatMap((entry) =>
          entry.path[0] === path[0] ? { path: entry.path, value: undefined } : [],
        ),
  );
}

export const grants = {
  viewer: { role: "viewer" },
  operator: { role: "operator" },
  editor: { role: "editor" },
  admin: { role: "admin" },
  "narrow-viewer": { role: "viewer", sections: ["web"] },
  "narrow-editor": { role: "editor", sections: ["web"] },
  "narrow-admin": { role: "admin", sections: ["web"] },
  stranger: { role: "admin", apps: ["other"] },
} as const satisfies Record<string, Grant>;
export type Who = keyof typeof grants;

/** The real room, with a key for each grant, and a user who is an editor. */
export interface Known {
  readonly folder: string;
  readonly access: Access;
  readonly keyOf: (who: Who) => { readonly "x-api-key": string };
  /** A token of the user, which can be made to be over, or to be signed by somebody else. */
  readonly tokenOf: (made: { readonly ago?: number; readonly secret?: string }) => Promise<string>;
}

export const user = { user: "ann", password: "a horse, a battery and a staple" };

async function know(): Promise<Known> {
  const folder = await mkdtemp(path.join(tmpdir(), "config-sync-access-"));
  const file = path.join(folder, "access.json");
  const access = await openAccess({ file, cost: { N: 1024, r: 8, p: 1 }, configuredKey: () => undefined });
  const keys = new Map<string, string>();
  for (const [who, grant] of Object.entries(grants)) keys.set(who, await access.createKey(who, grant));
  await access.createUser(user.user, user.password, grants.editor);
  const { access: token } = await access.login({ ...user, address: "test" });
  const { sub, generation, sid } = decodeJwt<{ generation: string; sid: string }>(token);
  const claims = { user: sub ?? "", generation, login: sid };
  const { secret } = JSON.parse(await readFile(file, "utf8")) as { secret: string };
  return {
    folder,
    access,
    keyOf: (who) => ({ "x-api-key": keys.get(who) ?? "" }),
    tokenOf: ({ ago = 0, secret: other = secret }) => signToken(claims, other, Date.now() - ago),
  };
}

let known: Promise<Known> | undefined;

/** For `afterAll` of every file that makes a bed. */
export async function forgetKnown(): Promise<void> {
  const last = await known;
  known = undefined;
  if (last !== undefined) rmSync(last.folder, { recursive: true });
}

/** Made once a file: each key is written durably. */
export function whoIsKnown(): Promise<Known> {
  known ??= know();
  return known;
}
