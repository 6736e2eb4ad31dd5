import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createApp } from "../../../src/apps/app.ts";
import { createDoor } from "../../../src/apps/door.ts";
import type { Layer } from "../../../src/config/layers.ts";
import { Secret, secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { memoryHistory } from "../../../src/history/memory.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import type { Docker } from "../../../src/platform/docker.ts";
import { loadServices } from "../../../src/services/catalog.ts";
import type { Source } from "../../../src/sources/source.ts";
import { createEngine, type Engine } from "../../../src/sync/engine.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";
import { type Ledger, openLedger } from "../../../src/sync/ledger.ts";
import type { ServiceRecord } from "../../../src/sync/record.ts";
import { reportStatus, type ServiceStatus } from "../../../src/sync/status.ts";
import { surveyServices } from "../../../src/sync/survey.ts";

/** A container that only exists here: what it does at a restart, and how healthy it says it is, is up to the test. */
export interface FakeContainer {
  running: boolean;
  /** Milliseconds since the epoch. */
  startedAt: number;
  restarts: number;
  starts: number;
  stops: number;
  onRestart: (signal: AbortSignal) => Promise<void> | void;
  isHealthy: () => boolean | Promise<boolean>;
}

export interface Bed {
  readonly folder: string;
  readonly containers: Map<string, FakeContainer>;
  readonly events: SyncEvent[];
  /** The steps of a service so far. */
  readonly steps: (service: string) => string[];
  readonly engine: () => Engine;
  readonly record: (service: string) => ServiceRecord;
  readonly status: (service: string) => Promise<ServiceStatus | undefined>;
  /** Sets what the source says; a problem makes it fail. */
  readonly say: (values: Readonly<Record<string, string>> | ConfigSyncError) => void;
  /** Says it, and resolves when the engine has nothing left to do. */
  readonly change: (values: Readonly<Record<string, string>> | ConfigSyncError) => Promise<void>;
  readonly read: (file: string) => Promise<string>;
  /** Starts the engine; again: after a stop, on the same state, as a new process would. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * `services` maps a name to its manifest without the name; templates stand under `NAME/FILE`. `retryFirst`: milliseconds after a
 * failed turn. `settleMin`: of `sync.settle`, in milliseconds.
 */
export async function makeBed(
  services: Readonly<Record<string, string>>,
  templates: Readonly<Record<string, string>>,
  { retryFirst = 20, settleMin = 100 } = {},
): Promise<Bed> {
  const folder = await mkdtemp(path.join(tmpdir(), "config-sync-engine-"));
  for (const [name, manifest] of Object.entries(services)) {
    await mkdir(path.join(folder, "templates", name), { recursive: true });
    await writeFile(path.join(folder, "templates", name, "service.yaml"), `name: ${name}\n${manifest}`);
  }
  for (const [file, text] of Object.entries(templates)) await writeFile(path.join(folder, "templates", file), text);
  await mkdir(path.join(folder, "out"));
  const containers = new Map<string, FakeContainer>();
  const events: SyncEvent[] = [];
  const isSecret = secretPaths([]);
  const journal = path.join(folder, "state", "journal");
  const history = memoryHistory();
  let refusal: ConfigSyncError | undefined;
  let engine: Engine | undefined;
  let ledger: Ledger | undefined;

  const document = path.join(folder, "values.json");
  const say = (values: Readonly<Record<string, string>> | ConfigSyncError): void => {
    if (values instanceof ConfigSyncError) refusal = values;
    else {
      refusal = undefined;
      writeFileSync(document, JSON.stringify(values));
    }
  };
  say({});
  const readValues = (bytes: Buffer): Layer => {
    const entries = Object.entries<string>(JSON.parse(bytes.toString())).map(([key, value]) => {
      const path = key.split(".");
      return { path, value: isSecret(path) ? new Secret(value) : value, origin: { source: "config.ini" } };
    });
    return { source: "config.ini", protected: false, entries, document: bytes };
  };
  const source: Source = {
    name: "config.ini",
    protected: false,
    load: async () => {
      if (refusal !== undefined) throw refusal;
      return readValues(readFileSync(document));
    },
    document: {
      path: document,
      read: readValues,
      edit: (bytes, edits) => {
        const changed = Object.fromEntries(edits.map(({ path, value }) => [path.join("."), value]));
        return Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), ...changed }));
      },
    },
  };
  const running = (): Engine => {
    if (engine === undefined) throw new Error("the engine does not run");
    return engine;
  };
  const opened = (): Ledger => {
    if (ledger === undefined) throw new Error("there is no ledger yet");
    return ledger;
  };
  const digest = (text: string): string => createHmac("sha256", "test").update(text).digest("hex").slice(0, 16);

  const start = async (): Promise<void> => {
    const loaded = await loadServices(path.join(folder, "templates"), Object.keys(services));
    ledger = await openLedger(path.join(folder, "state", "ledger.jsonl"));
    engine = createEngine({
      door: createDoor({ app: createApp("default", [source], digest), history, clock: systemClock, journal }),
      services: loaded,
      names: { paths: {}, containers: {}, programs: {}, urls: {} },
      ledger,
      clock: systemClock,
      digest,
      emit: (event) => events.push(event),
      connections: { docker: async () => fakeDocker(containers), supervisord: () => Promise.reject(new Error("none")) },
      roots: [path.join(folder, "out")],
      journal,
      folder,
      reloadAttempts: 3,
      parallel: 8,
      lookEvery: 3_600_000,
      retry: { initial: retryFirst, factor: 2, max: 5 * retryFirst },
      settle: { min: settleMin, max: 2000 },
    });
    await engine.start();
  };

  return {
    folder,
    containers,
    events,
    steps: (service) =>
      events.flatMap((event) => (event.type === "service" && event.service === service ? event.step : [])),
    engine: running,
    record: (service) => opened().record(service),
    status: async (service) => {
      const { renderings, problems, running: busy } = running().state();
      const ledger = opened();
      const surveyed = await surveyServices(renderings, { ledger, digest, roots: [path.join(folder, "out")] });
      const names = Object.keys(services);
      const report = reportStatus({ daemon: null, names, ledger, problems, surveyed, running: busy });
      return report.services.find(({ name }) => name === service);
    },
    say,
    change: async (values) => {
      say(values);
      void running().lookAgain();
      await running().settled();
    },
    read: (file) => readFile(path.join(folder, "out", file), "utf8"),
    start,
    stop: async () => {
      await engine?.stop();
      engine = undefined;
    },
    remove: async () => {
      await engine?.stop();
      await rm(folder, { recursive: true });
    },
  };
}

export function addContainer(bed: Bed, name: string, behaviour: Partial<FakeContainer> = {}): FakeContainer {
  const container: FakeContainer = {
    running: true,
    startedAt: Date.now(),
    restarts: 0,
    starts: 0,
    stops: 0,
    onRestart: () => undefined,
    isHealthy: () => true,
    ...behaviour,
  };
  bed.containers.set(name, container);
  return container;
}

function fakeDocker(containers: ReadonlyMap<string, FakeContainer>): Docker {
  const find = (name: string): FakeContainer => {
    const container = containers.get(name);
    if (container === undefined) throw new ConfigSyncError("UNREACHABLE", `no container named ${name}`);
    return container;
  };
  const unused = (): Promise<never> => Promise.reject(new Error("not part of these tests"));
  return {
    inspect: async (name) => {
      const container = find(name);
      const health = (await container.isHealthy()) ? "healthy" : "unhealthy";
      const { running } = container;
      const startedAt = new Date(container.startedAt).toISOString();
      const rest = { exitCode: 0, startedAt, restarts: false, ownPids: true, healthOutput: "" };
      return { id: name, running, status: running ? "running" : "exited", health, ...rest };
    },
    restart: async (name, _, signal) => {
      const container = find(name);
      container.restarts++;
      container.startedAt = Date.now();
      await container.onRestart(signal);
      container.running = true;
    },
    stop: async (name) => {
      const container = find(name);
      container.stops++;
      container.running = false;
    },
    start: async (name) => {
      const container = find(name);
      container.starts++;
      container.startedAt = Date.now();
      container.running = true;
    },
    kill: unused,
    exec: unused,
    events: unused,
    ping: unused,
  };
}
