/**
 * A workspace with services that answer over HTTP with what they have loaded, one service a way in which its two files can lie,
 * a daemon that can be ended at any step, and a reader of the files.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { expect, vi } from "vitest";
import type { Step } from "../../../src/platform/reached.ts";
import { readLedger } from "../../../src/sync/ledger.ts";
import type { ServiceStatus, StatusReport } from "../../../src/sync/status.ts";
import { askStatus } from "../../support/ask-daemon.ts";
import { startHttpService } from "../../support/http-service.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../../support/workspace.ts";
import { type Document, formatDocument, template } from "./document.ts";
import type { Seen } from "./reader.ts";

/** On a plain folder; each a bind mount of its own; symlinks; and mounts with more than what one write makes visible at once. */
export type Kind = "plain" | "mounted" | "linked" | "large";

export interface Bed {
  readonly workspace: Workspace;
  /** The paths of a service's two files. */
  readonly files: (name: string) => readonly string[];
  readonly start: (hook?: string, env?: Readonly<Record<string, string>>) => Promise<Daemon>;
  /** The daemon that runs ends at the step, when it comes by for the given time from now on. */
  readonly dieAt: (step: Step | "half-written", pass?: number) => void;
  readonly live: () => void;
  /** Waits until the daemon has ended by itself. */
  readonly died: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly change: (name: string, to: Document) => Promise<void>;
  readonly status: () => Promise<StatusReport>;
  readonly statusOf: (name: string) => Promise<ServiceStatus | undefined>;
  /** How often a service was told to load its files since it was asked last. */
  readonly reloads: (name: string) => number;
  /** Waits until the service is healthy on this, in its files and by its own word. */
  readonly settles: (name: string, on: Document, milliseconds?: number) => Promise<void>;
  /** Waits until the daemon has nothing more to do for the service. */
  readonly rests: (name: string) => Promise<void>;
  /** Waits until the last change of the service was taken back to this. */
  readonly goesBack: (name: string, to: Document) => Promise<void>;
  /** Fails unless every service is content, and nothing of a turn is left on disk. */
  readonly isClean: () => Promise<void>;
  readonly readFilesOf: (names: readonly Kind[]) => Promise<() => Promise<Seen>>;
  readonly stop: () => Promise<void>;
}

/** A filler in capitals makes a service ill. */
export function isIll({ filler }: Document): boolean {
  return /^[A-Z]/.test(filler);
}

export const first: Document = { number: 1, filler: "a" };
const patience = { timeout: 15_000, interval: 10 };

/** `settings` replaces lines of config-sync.yaml; `prepare` runs before the services' files are made. */
export async function makeBed(
  kinds: readonly Kind[],
  { settings = "", prepare }: { settings?: string; prepare?: (workspace: Workspace) => Promise<void> } = {},
): Promise<Bed> {
  const loaded = new Map<string, string>();
  const reloads = new Map<string, number>();
  const wanted = new Map<string, Document>(kinds.map((name) => [name, first]));
  const service = await startHttpService(
    Object.fromEntries(
      kinds.flatMap((name) => [
        [`/${name}/reload`, () => load(name)],
        [`/${name}/health`, () => answer(name)],
      ]),
    ),
  );
  const workspace = await makeWorkspace({
    "config.ini": configIni(wanted),
    "config-sync.yaml": configSyncYaml(kinds, settings),
    ...Object.assign({}, ...kinds.map((name) => definition(name, `${service.url}/${name}`))),
  });
  await prepare?.(workspace);
  for (const kind of kinds) await lay(workspace, kind);
  const order = workspace.at("order");
  const files = (name: string) => ["one", "two"].map((file) => workspace.at(`services/${name}/${file}.conf`));
  let daemon: Daemon | undefined;

  function load(name: string) {
    reloads.set(name, (reloads.get(name) ?? 0) + 1);
    const texts = files(name).map((file) => (existsSync(file) ? readFileSync(file, "latin1").trimEnd() : "nothing"));
    loaded.set(name, [...new Set(texts)].join(" and "));
    return {};
  }
  function answer(name: string) {
    const text = loaded.get(name) ?? "nothing";
    return { status: /^filler [A-Z]/m.test(text) ? 503 : 200, body: text.slice(0, 100) };
  }

  const status = () => askStatus(workspace);
  const statusOf = async (name: string) => (await status()).services.find((one) => one.name === name);
  const runsOn = (name: string, { number, filler }: Document) => {
    const text = formatDocument({ number, filler });
    for (const file of files(name)) expect(readFileSync(file, "latin1")).toBe(text);
    expect(`${loaded.get(name)}\n`).toBe(text);
  };

  return {
    workspace,
    files,
    start: async (hook = "step-hook.ts", env = {}) => {
      const module = new URL(hook, import.meta.url).pathname;
      daemon = workspace.startDaemon({ env: { ...env, NODE_OPTIONS: `--import=${module}`, FATAL_STEP: order } });
      return daemon;
    },
    dieAt: (step, pass = 1) => writeFileSync(order, `${step} ${pass}`),
    live: () => writeFileSync(order, ""),
    died: async () => {
      await expect(daemon?.waitForLine(/a line that never comes/)).rejects.toThrow("The daemon ended");
    },
    kill: async () => daemon?.kill9(),
    change: async (name, to) => {
      wanted.set(name, to);
      await workspace.saveByRename("config.ini", configIni(wanted));
    },
    status,
    statusOf,
    reloads: (name) => {
      const count = reloads.get(name) ?? 0;
      reloads.set(name, 0);
      return count;
    },
    settles: (name, on, milliseconds = patience.timeout) =>
      vi.waitFor(
        async () => {
          runsOn(name, on);
          expect(await statusOf(name)).toMatchObject({ state: "healthy", trouble: null, retryAt: null, drift: false });
        },
        { ...patience, timeout: milliseconds },
      ),
    rests: (name) =>
      vi.waitFor(async () => expect((await statusOf(name))?.state).toMatch(/healthy|rolled-back/), patience),
    goesBack: (name, to) =>
      vi.waitFor(async () => {
        runsOn(name, to);
        expect(await statusOf(name)).toMatchObject({
          state: "rolled-back",
          trouble: { code: "UNHEALTHY" },
          retryAt: null,
        });
      }, patience),
    isClean: () =>
      vi.waitFor(async () => {
        expect((await status()).problems).toEqual([]);
        expect(leftovers(workspace)).toEqual([]);
        const ledger = await readLedger(workspace.at("state/ledger.jsonl"));
        for (const name of kinds) expect(ledger.record(name).undo).toBeUndefined();
        for (const name of kinds) expectLaid(workspace, name, files(name));
      }, patience),
    readFilesOf: async (names) => {
      const paths = names.flatMap((name) =>
        files(name).flatMap((file) => [name === "large" ? "filled" : "strict", file]),
      );
      const reader = fork(new URL("reader.ts", import.meta.url).pathname, paths);
      await once(reader, "message");
      return async () => {
        reader.send("stop");
        const [seen] = (await once(reader, "message")) as [Seen];
        return seen;
      };
    },
    stop: async () => {
      await daemon?.stop();
      await workspace.remove();
      await service.stop();
    },
  };
}

function configIni(wanted: ReadonlyMap<string, Document>): string {
  return [...wanted]
    .map(([name, { number, filler }]) => `[${name}]\nnumber = ${number}\nfiller = ${filler}\n`)
    .join("\n");
}

function configSyncYaml(names: readonly string[], settings: string): string {
  return `sources: [{ file: config.ini }]
services: [${names.join(", ")}]
roots: [services, elsewhere]
sync: { retry_first: 50ms, retry_longest: 400ms }
log: { format: text }
${settings}`;
}

function definition(name: string, url: string): Record<string, string> {
  const output = (file: string) => `{ path: services/${name}/${file}.conf, format: text, template: document.hbs }`;
  return {
    [`templates/${name}/service.yaml`]: `name: ${name}
outputs: [${output("one")}, ${output("two")}]
reload: [{ http: { url: "${url}/reload" } }]
probe:
  http: { url: "${url}/health", contains: "begin {{${name}.number}}\\n" }
  backoff: { initial: 20ms, max: 100ms, give_up: 300ms }
`,
    [`templates/${name}/document.hbs`]: template(name),
  };
}

async function lay({ at }: Workspace, kind: Kind): Promise<void> {
  await mkdir(at(`services/${kind}`), { recursive: true });
  await mkdir(at("elsewhere"), { recursive: true });
  for (const name of ["one", "two"]) {
    const path = at(`services/${kind}/${name}.conf`);
    const real = kind === "plain" ? path : at(`elsewhere/${kind}-${name}.conf`);
    await writeFile(real, formatDocument({ number: 0, filler: "z" }));
    if (kind === "linked") symlinkSync(real, path);
    if (kind === "mounted" || kind === "large") {
      await writeFile(path, "");
      execFileSync("mount", ["--bind", real, path]);
    }
  }
}

/** The files lie as they lay: a link is a link, a mount shows the file behind it. */
function expectLaid({ at }: Workspace, kind: Kind, paths: readonly string[]): void {
  for (const path of paths) {
    expect(lstatSync(path).isSymbolicLink()).toBe(kind === "linked");
    if (kind === "plain") continue;
    const real = at(`elsewhere/${kind}-${path.replace(/.*\//, "")}`);
    expect(readFileSync(path, "latin1")).toBe(readFileSync(real, "latin1"));
  }
}

/** Everything of ours that only a turn needs. */
function leftovers({ folder }: Workspace): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.includes(".config-sync-") || name.startsWith("state/journal/"));
}
