/**
 * Random sequences of good, refused and unhealthy changes over five services. After every change each service must stand where a
 * simple model says: on its newest good value, with what it has loaded equal to its file, byte for byte.
 *
 * CONFIG_SYNC_SEQUENCES=1000 runs so many (about two minutes); CONFIG_SYNC_SEED=N repeats a run.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { addContainer, type Bed, makeBed } from "../unit/sync/engine-bed.ts";

const sequences = Number(process.env.CONFIG_SYNC_SEQUENCES ?? 40);
const seed = Number(process.env.CONFIG_SYNC_SEED ?? 20_260);

type Kind = "good" | "refused" | "unhealthy";
type Step = Readonly<Partial<Record<Service, Kind>>>;

/** The proxy and the console change with the gateway or not at all; the others for themselves. */
const services = {
  database: "",
  gateway: "depends_on: [database]\nwith: [proxy, console]\n",
  proxy: "depends_on: [gateway]\n",
  console: "",
  forge: "depends_on: [database, proxy]\n",
} as const;
type Service = keyof typeof services;
const names = Object.keys(services) as Service[];
const groups: readonly (readonly Service[])[] = [["database"], ["gateway", "proxy", "console"], ["forge"]];

const signs: Readonly<Record<Kind, string>> = { good: "", refused: "-refuse", unhealthy: "-sicken" };
const kind = fc.constantFrom<Kind>("good", "good", "refused", "unhealthy");
const step: fc.Arbitrary<Step> = fc.record(
  { database: kind, gateway: kind, proxy: kind, console: kind, forge: kind },
  { requiredKeys: [] },
);

async function makeScene(): Promise<Bed> {
  const manifest = (name: string, more: string): string => `outputs:
  - { path: out/${name}.env, format: "env:compose", template: env.hbs, check: [grep, -qv, refuse, "{{staged}}"] }
reload: [{ docker: { container: ${name}, action: restart } }]
probe: { docker: { container: ${name} }, backoff: { initial: 10ms, factor: 1, max: 10ms, give_up: 100ms } }
${more}`;
  return makeBed(
    Object.fromEntries(names.map((name) => [name, manifest(name, services[name])])),
    Object.fromEntries(names.map((name) => [`${name}/env.hbs`, `VALUE={{${name}.value}}\n`])),
  );
}

async function play(steps: readonly Step[]): Promise<void> {
  const bed = await makeScene();
  try {
    const loaded = new Map<Service, string>();
    for (const name of names) {
      const load = async () => void loaded.set(name, await bed.read(`${name}.env`));
      addContainer(bed, name, { onRestart: load, isHealthy: () => !loaded.get(name)?.includes("sicken") });
    }
    const wanted = new Map(names.map((name) => [name, "first"]));
    let live = new Map(wanted);
    bed.say(asConfig(wanted));
    await bed.start();
    await bed.engine().settled();
    for (const [number, changes] of steps.entries()) {
      for (const [name, kind] of Object.entries(changes) as [Service, Kind][])
        wanted.set(name, `value-${number}${signs[kind]}`);
      live = expected(live, wanted);
      await bed.change(asConfig(wanted));
      for (const name of names) {
        const file = `VALUE=${live.get(name)}\n`;
        const { quarantine, undo, standby, retryAt } = bed.record(name);
        expect({ file: await bed.read(`${name}.env`), loaded: loaded.get(name) }).toEqual({ file, loaded: file });
        expect({ held: quarantine !== undefined, undo, standby, retryAt }).toEqual({
          held: live.get(name) !== wanted.get(name),
          undo: undefined,
          standby: undefined,
          retryAt: undefined,
        });
      }
    }
  } finally {
    await bed.remove();
  }
}

/** A group moves when all that it should have is good, else it stays. */
function expected(live: ReadonlyMap<Service, string>, wanted: ReadonlyMap<Service, string>): Map<Service, string> {
  const isGood = (name: Service): boolean => !/refuse|sicken/.test(wanted.get(name) ?? "");
  return new Map(
    groups.flatMap((group) => {
      const from = group.every(isGood) ? wanted : live;
      return group.map((name) => [name, from.get(name) ?? ""] as const);
    }),
  );
}

function asConfig(values: ReadonlyMap<Service, string>): Record<string, string> {
  return Object.fromEntries([...values].map(([name, value]) => [`${name}.value`, value]));
}

test(`each service ends healthy on its newest good value (${sequences} sequences, seed ${seed})`, async () => {
  const drawn = fc.sample(fc.array(step, { minLength: 1, maxLength: 6 }), { seed, numRuns: sequences });
  const left = drawn.entries();
  const worker = async (): Promise<void> => {
    for (const [number, steps] of left) {
      await play(steps).catch((cause: unknown) => {
        throw new Error(`sequence ${number}: ${JSON.stringify(steps)}`, { cause });
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}, 600_000);
