import { readFile, rm, writeFile } from "node:fs/promises";
import { expect, vi } from "vitest";
import type { ServiceStatus } from "../../src/sync/status.ts";
import { askStatus } from "./ask-daemon.ts";
import { type Daemon, makeWorkspace, type Workspace } from "./workspace.ts";

/**
 * Services that say what they run on: each reads GREETING from its file at its start and at SIGHUP, and writes it into its
 * file `live`. The greeting `broken` ends them. Whoever runs them (Docker, supervisord) is the test's to start.
 */
export interface Greeters {
  readonly workspace: Workspace;
  /** Where a service's `run.sh` and its other files are; the script takes it as its argument. */
  readonly folder: (service: string) => string;
  /** Starts the daemon on it and waits until every service is healthy. */
  readonly start: () => Promise<Daemon>;
  /** Saves config.ini with this greeting for these services, and the others' as they were. */
  readonly save: (services: string | readonly string[], greeting: string) => Promise<void>;
  /** Makes a service end at its next start or SIGHUP, whatever its configuration says; or no longer. */
  readonly setIll: (service: string, ill: boolean) => Promise<void>;
  /** Makes a service ignore SIGTERM from its next start on. */
  readonly makeDeaf: (service: string) => Promise<void>;
  readonly live: (service: string) => Promise<string>;
  /** How often it read its file, at its starts and at SIGHUPs. */
  readonly loads: (service: string) => Promise<number>;
  readonly status: (service: string) => Promise<ServiceStatus>;
  /** Waits until status says so of the service. */
  readonly becomes: (service: string, state: ServiceStatus["state"], message?: RegExp) => Promise<void>;
  /** Waits until the service is healthy and runs on this greeting. */
  readonly settles: (service: string, greeting: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** How each service is reloaded and probed: what stands behind these words in its manifest. */
export type Manners = Readonly<Record<string, { readonly reload: string; readonly probe: string }>>;

/** `settings` is the rest of config-sync.yaml. */
export async function makeGreeters(manners: Manners, settings: string): Promise<Greeters> {
  const greetings = new Map(Object.keys(manners).map((name) => [name, "first"]));
  const workspace = await makeWorkspace({
    "config.ini": configIni(greetings),
    "config-sync.yaml": configSyncYaml(greetings, settings),
    ...Object.assign({}, ...Object.entries(manners).map(([name, { reload, probe }]) => filesOf(name, reload, probe))),
  });
  const at = (service: string, file: string) => workspace.at(`services/${service}/${file}`);
  const live = async (service: string) => (await readFile(at(service, "live"), "utf8").catch(() => "")).trim();

  const status = async (service: string): Promise<ServiceStatus> => {
    const found = (await askStatus(workspace)).services.find(({ name }) => name === service);
    if (found !== undefined) return found;
    throw new Error(`the daemon says nothing of ${service}`);
  };

  const becomes: Greeters["becomes"] = (service, state, message = /^/) =>
    vi.waitFor(async () => {
      const { state: now, trouble } = await status(service);
      expect({ state: now, message: trouble?.message ?? "" }).toEqual({
        state,
        message: expect.stringMatching(message),
      });
    }, patience);

  const settles: Greeters["settles"] = async (service, greeting) => {
    await vi.waitFor(async () => expect(await live(service)).toBe(greeting), patience);
    await becomes(service, "healthy");
    expect(await live(service)).toBe(greeting);
  };

  let daemon: Daemon | undefined;
  return {
    workspace,
    folder: (service) => workspace.at(`services/${service}`),
    start: async () => {
      daemon = workspace.startDaemon();
      await daemon.waitForLine(/watching/);
      for (const [service, greeting] of greetings) await settles(service, greeting);
      return daemon;
    },
    save: async (services, greeting) => {
      for (const service of [services].flat()) greetings.set(service, greeting);
      await workspace.saveByRename("config.ini", configIni(greetings));
    },
    setIll: (service, ill) => (ill ? writeFile(at(service, "ill"), "") : rm(at(service, "ill"))),
    makeDeaf: (service) => writeFile(at(service, "deaf"), ""),
    live,
    loads: async (service) => (await readFile(at(service, "loads"), "utf8").catch(() => "")).length,
    status,
    becomes,
    settles,
    stop: async () => {
      await daemon?.stop();
      await workspace.remove();
    },
  };
}

const patience = { timeout: 30_000, interval: 50 };

function configIni(greetings: ReadonlyMap<string, string>): string {
  return [...greetings].map(([service, greeting]) => `[${service}]\ngreeting = ${greeting}\n`).join("\n");
}

function configSyncYaml(greetings: ReadonlyMap<string, string>, settings: string): string {
  return `sources: [{ file: config.ini }]
services: [${[...greetings.keys()].join(", ")}]
roots: [services]
log: { format: text }
${settings}
`;
}

/** The second probe is the one that knows: a service can run on the wrong configuration. */
function filesOf(name: string, reload: string, probe: string): Record<string, string> {
  return {
    [`templates/${name}/service.yaml`]: `name: ${name}
outputs: [{ path: services/${name}/.env, format: "env:compose", template: env.hbs }]
reload: [${reload}]
probe:
  ${probe}
  command: { argv: [grep, -qx, "{{${name}.greeting}}", services/${name}/live] }
  backoff: { initial: 50ms, max: 200ms, give_up: 6s }
`,
    [`templates/${name}/env.hbs`]: `GREETING={{${name}.greeting}}\n`,
    [`services/${name}/.env`]: "GREETING=nothing\n",
    [`services/${name}/run.sh`]: `cd "$1"
if [ -e deaf ]; then trap '' TERM; else trap 'exit 0' TERM; fi
load() {
  . ./.env
  if [ "$GREETING" = broken ] || [ -e ill ]; then exit 1; fi
  echo "$GREETING" > live.new && mv live.new live
  echo >> loads
}
load
trap load HUP
while true; do sleep 0.1; done
`,
  };
}
