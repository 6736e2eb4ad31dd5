/**
 * Storms: many changes of one service in a moment, and one change of very many services. Reloads are few, never too many at once,
 * the last value is what runs, and the daemon is afterwards no larger than before.
 *
 * STORM_ROUNDS=100 is the long run of the thousand services (about three minutes).
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { askStatus } from "../support/ask-daemon.ts";
import { type Daemon, makeWorkspace } from "../support/workspace.ts";

const rounds = Number(process.env.STORM_ROUNDS ?? 4);
/** By then everything was done once. */
const warm = 2;
const parallel = 16;
const patience = { timeout: 30_000, interval: 20 };

let storm: Storm | undefined;
afterEach(async () => {
  await storm?.stop();
  storm = undefined;
});

test("a hundred changes of a service in a second cost few reloads, and the last value runs", async () => {
  const { save, becomes, tellings } = await brew({ services: 1, takes: 100 });
  const reloads: number[] = [];
  // Two where nothing else runs, as the bench measures; a busy machine breaks the second up into several bursts.
  for (let burst = 1; burst <= 3 && (reloads.at(-1) ?? 5) > 3; burst++) {
    const before = tellings.length;
    const began = performance.now();
    for (let change = 1; change <= 100; change++) {
      await sleep(Math.max(0, began + change * 10 - performance.now()));
      await save(`burst-${burst}-change-${change}`);
    }
    await becomes(`burst-${burst}-change-100`);
    reloads.push(tellings.length - before);
  }
  expect(Math.min(...reloads), `reloads: ${reloads}`).toBeLessThan(5);
});

test("changes that come faster than a service may be reloaded wait for that, and are not lost", async () => {
  const every = 1000;
  const { save, becomes, tellings } = await brew({ services: 1, takes: 0, manifest: `reload_every: ${every}ms` });
  // Each by itself: a burst would be one change anyway.
  for (let change = 1; change <= 8; change++) {
    await save(`change-${change}`);
    await sleep(150);
  }
  await becomes("change-8");
  const pauses = tellings.slice(1).map(({ at }, index) => at - (tellings[index]?.at ?? 0));
  expect(pauses.length).toBeGreaterThan(0);
  // One request may be a little longer under way than the next.
  for (const pause of pauses) expect(pause).toBeGreaterThan(every - 200);
});

test("a thousand services that change at once are told a few at a time, each once, and memory is as before", {
  timeout: 120_000 + 2000 * rounds,
}, async () => {
  const services = 1000;
  const { save, becomes, tellings, most, daemon } = await brew({ services, takes: 3 });
  const sizes: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const before = tellings.length;
    await save(`round-${round}`);
    await becomes(`round-${round}`);
    expect(new Set(tellings.slice(before).map(({ name }) => name)).size).toBe(services);
    expect(tellings.length - before).toBe(services);
    if (round === warm || round === rounds) sizes.push(await restingKiB(daemon));
  }
  expect(most()).toBeGreaterThan(1);
  expect(most()).toBeLessThanOrEqual(parallel);
  const [before = 0, after = 0] = sizes;
  if (process.env.STORM_ROUNDS !== undefined) console.log(`resident: ${before} KiB, after all ${after} KiB`);
  expect(after).toBeLessThan(1.1 * before);
});

interface Storm {
  readonly daemon: Daemon;
  readonly save: (value: string) => Promise<void>;
  /** Waits until every service runs on the value, by its own word, and is healthy by the daemon's. */
  readonly becomes: (value: string) => Promise<void>;
  /** Who was told to load its file, in order, and when. */
  readonly tellings: readonly { readonly name: string; readonly at: number }[];
  /** How many were being told at once, at most. */
  readonly most: () => number;
  readonly stop: () => Promise<void>;
}

/** Services that take so many milliseconds to load their file, and a daemon that has them all healthy on `first`. */
async function brew(wanted: {
  readonly services: number;
  readonly takes: number;
  readonly manifest?: string;
}): Promise<Storm> {
  const names = Array.from({ length: wanted.services }, (_, index) => `s${index}`);
  const loaded = new Map<string, string>();
  const tellings: { name: string; at: number }[] = [];
  let running = 0;
  let most = 0;

  const load = async (name: string): Promise<void> => {
    most = Math.max(most, ++running);
    tellings.push({ name, at: performance.now() });
    await sleep(wanted.takes);
    loaded.set(name, readFileSync(path.join(folder, `${name}.env`), "utf8"));
    running--;
  };
  const server: Server = createServer((request, response) => {
    void load(request.url?.slice(1) ?? "").then(() => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const files = names.map((name) => manifestOf(name, `http://127.0.0.1:${port}/${name}`, wanted.manifest ?? ""));
  const workspace = await makeWorkspace({
    "config.ini": configIni("first"),
    "config-sync.yaml": `sources: [{ file: config.ini }]
services: [${names.join(", ")}]
roots: [services]
sync: { parallel: ${parallel}, check_every: 10m }
log: { format: text }
`,
    ...Object.assign({}, ...files),
  });
  const folder = workspace.at("services");
  await mkdir(folder);
  const daemon = workspace.startDaemon();

  const becomes = async (value: string): Promise<void> => {
    await vi.waitFor(() => {
      expect(names.filter((name) => loaded.get(name) !== `VALUE=${value}\n`)).toEqual([]);
    }, patience);
    await vi.waitFor(
      async () => {
        const { services } = await askStatus(workspace);
        expect(services.filter(({ state }) => state !== "healthy")).toEqual([]);
      },
      { ...patience, interval: 200 },
    );
  };
  storm = {
    daemon,
    save: (value) => workspace.saveByRename("config.ini", configIni(value)),
    becomes,
    tellings,
    most: () => most,
    stop: async () => {
      await daemon.stop();
      await workspace.remove();
      server.closeAllConnections();
      server.close();
    },
  };
  await becomes("first");
  return storm;
}

function configIni(value: string): string {
  return `[all]\nvalue = ${value}\n`;
}

function manifestOf(name: string, url: string, more: string): Record<string, string> {
  return {
    [`templates/${name}/service.yaml`]: `name: ${name}
outputs: [{ path: services/${name}.env, format: "env:compose", template: it.hbs }]
reload: [{ http: { url: "${url}" } }]
${more}
`,
    [`templates/${name}/it.hbs`]: "VALUE={{all.value}}\n",
  };
}

/** What it keeps when it rests: what was needed in between is given back soon after the last work. */
async function restingKiB({ pid }: Daemon): Promise<number> {
  const resident = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN);
  const found: number[] = [];
  for (let look = 0; look < 30; look++) {
    await sleep(100);
    found.push(resident());
  }
  return Math.min(...found);
}
