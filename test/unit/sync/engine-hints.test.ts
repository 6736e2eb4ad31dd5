import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ConfigSyncError } from "../../../src/errors.ts";
import { eventually } from "../../support/action-context.ts";
import { addContainer, type Bed, type FakeContainer, makeBed } from "./engine-bed.ts";

let bed: Bed;

afterEach(() => bed.remove());

/** Retries come after minutes: what happens earlier happens because of a hint. */
const later = { retryFirst: 600_000 };

const manifest = (name: string, more = ""): string =>
  `outputs: [{ path: out/${name}.env, format: "env:compose", template: env.hbs }]
reload: [{ when: ["web.motto"], none: true }, { docker: { container: ${name}, action: restart } }]
probe: { docker: { container: ${name} }, backoff: { initial: 10ms, factor: 2, max: 20ms, give_up: 150ms } }
${more}`;

async function startWeb(options = later): Promise<FakeContainer> {
  bed = await makeBed({ web: manifest("web") }, { "web/env.hbs": "PORT={{web.port}}\nMOTTO={{web.motto}}\n" }, options);
  const web = addContainer(bed, "web");
  await change({ "web.port": "80" });
  return web;
}

/** Starts the engine the first time. */
async function change(values: Readonly<Record<string, string>>): Promise<void> {
  const all = { "web.port": "80", "web.motto": "hi", ...values };
  if (bed.events.length > 0) return bed.change(all);
  bed.say(all);
  await bed.start();
  await bed.engine().settled();
}

async function hint(name?: string): Promise<void> {
  bed.engine().hint({ kind: "container", name });
  await bed.engine().settled();
}

const step = () => bed.steps("web").at(-1);
const becomesIll = () => eventually(() => expect(bed.record("web").ill).toBe(true));

async function fallIll(web: FakeContainer): Promise<void> {
  web.isHealthy = () => false;
  await hint("web");
  await becomesIll();
}

describe("a hint about a container", () => {
  test("that is well costs a question and nothing else; one about another costs nothing", async () => {
    const web = await startWeb();
    const isHealthy = vi.fn(() => true);
    web.isHealthy = isHealthy;
    const { steps } = bed;
    const before = steps("web").length;
    await hint("other");
    expect(isHealthy).not.toHaveBeenCalled();
    await hint("web");
    await hint();
    expect(isHealthy).toHaveBeenCalled();
    expect([web.restarts, steps("web").length]).toEqual([1, before]);
  });

  test("that is not well for a moment is no trouble", async () => {
    const web = await startWeb();
    let asked = 0;
    web.isHealthy = () => ++asked > 4;
    await hint("web");
    await eventually(() => expect(asked).toBeGreaterThan(4));
    await bed.engine().settled();
    expect([step(), bed.record("web").trouble]).toEqual(["healthy", undefined]);
  });

  test("that is not well for a moment is said to be worked on meanwhile", async () => {
    const web = await startWeb();
    let asked = 0;
    web.isHealthy = () => ++asked > 4;
    await hint("web");
    await eventually(() => expect(asked).toBeGreaterThan(0));
    expect(await bed.status("web")).toMatchObject({ state: "working" });
    await eventually(async () => expect(await bed.status("web")).toMatchObject({ state: "healthy" }));
  });

  test("that stays ill is told, and so is its recovery, without a restart", async () => {
    const web = await startWeb();
    // By now its files are old enough for a look to be remembered.
    await wait(60);
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    await fallIll(web);
    await eventually(() => expect(step()).toBe("waiting"));
    expect(bed.record("web").trouble?.message).toBe("container web is running, its health check says unhealthy");
    web.isHealthy = () => true;
    await hint("web");
    expect(bed.record("web")).toMatchObject({ ill: false, trouble: undefined, retryAt: undefined });
    expect([step(), web.restarts]).toEqual(["healthy", 1]);
  });

  test("is not lost in a crash of the daemon while the service is ill", async () => {
    const web = await startWeb();
    await fallIll(web);
    await bed.stop();
    web.isHealthy = () => true;
    await bed.start();
    await hint();
    expect([step(), web.restarts]).toEqual(["healthy", 1]);
  });

  test("that took the name and never read the files is restarted once", async () => {
    const web = await startWeb();
    web.startedAt -= 60_000;
    await hint("web");
    await eventually(() => expect(web.restarts).toBe(2));
    await bed.engine().settled();
    await hint("web");
    expect([step(), web.restarts, bed.record("web").ill]).toEqual(["healthy", 2, false]);
  });

  test("that never read the files is told once, also if that does not make it well", async () => {
    const web = await startWeb();
    const startedAt = web.startedAt - 60_000;
    Object.assign(web, { startedAt, isHealthy: () => false });
    // As a signal would: the run stays.
    web.onRestart = () => void Object.assign(web, { startedAt });
    await hint("web");
    await eventually(() => expect(step()).toBe("waiting"));
    await hint("web");
    await eventually(() => expect(bed.record("web").attempts).toBeGreaterThan(1));
    expect(web.restarts).toBe(2);
  });

  test("that was made anew after the last change is left alone", async () => {
    const web = await startWeb();
    web.startedAt = Date.now();
    await hint("web");
    expect([web.restarts, bed.record("web").ill]).toEqual([1, false]);
  });

  test("that older files were written for, without need of a reload, is left alone", async () => {
    const web = await startWeb();
    await change({ "web.motto": "ho" });
    await hint("web");
    expect([await bed.read("web.env"), web.restarts]).toEqual(["PORT=80\nMOTTO=ho\n", 1]);
  });
});

describe("a change while a service is ill", () => {
  test("is not taken back for it, and is live when the service is well", async () => {
    const web = await startWeb();
    await fallIll(web);
    await change({ "web.port": "81" });
    expect([step(), await bed.read("web.env")]).toEqual(["waiting", "PORT=81\nMOTTO=hi\n"]);
    expect(bed.record("web").quarantine).toBeUndefined();
    web.isHealthy = () => true;
    await hint("web");
    expect(bed.record("web")).toMatchObject({ ill: false, undo: undefined, healthy: { revision: 2 } });
    expect(web.restarts).toBe(2);
  });

  test("that it refuses is not forced on it by the news of that very try, but taken as read by who is started later", async () => {
    const web = await startWeb();
    await fallIll(web);
    web.onRestart = () => {
      web.startedAt = 0;
      bed.engine().hint({ kind: "container", name: "web" });
      throw new ConfigSyncError("RELOAD_REFUSED", "it does not start");
    };
    await change({ "web.port": "81" });
    await hint("web");
    expect([web.restarts, step()]).toEqual([2, "waiting"]);
    web.startedAt = Date.now() + 1;
    web.isHealthy = () => true;
    await hint("web");
    await eventually(() => expect(step()).toBe("healthy"));
    expect([web.restarts, bed.record("web").loaded?.digest]).toEqual([2, bed.record("web").healthy?.digest]);
  });

  test("of another service does not wait for the ill ones, however many there are", async () => {
    const ill = Array.from({ length: 20 }, (_, number) => `ill${number}`);
    const patient = (name: string) => manifest(name).replace("150ms", "60s");
    bed = await makeBed(
      Object.fromEntries([...ill, "web"].map((name) => [name, patient(name)])),
      Object.fromEntries([...ill, "web"].map((name) => [`${name}/env.hbs`, `PORT={{${name}.port}}\n`])),
      later,
    );
    for (const name of [...ill, "web"]) addContainer(bed, name);
    const values = Object.fromEntries(ill.map((name) => [`${name}.port`, "1"]));
    await change(values);
    for (const name of ill) addContainer(bed, name, { isHealthy: () => false });
    for (const name of ill) bed.engine().hint({ kind: "container", name });
    await change({ ...values, "web.port": "81" });
    expect([step(), await bed.read("web.env")]).toEqual(["healthy", "PORT=81\n"]);
  });
});

test("where nobody can be asked nothing is taken back, and the next hint asks again", async () => {
  const web = await startWeb();
  web.onRestart = () => void bed.containers.delete("web");
  await change({ "web.port": "81" });
  expect(bed.record("web")).toMatchObject({ trouble: { code: "UNREACHABLE" }, quarantine: undefined, ill: false });
  bed.containers.set("web", web);
  await hint();
  expect([step(), await bed.read("web.env"), web.restarts]).toEqual(["healthy", "PORT=81\nMOTTO=hi\n", 2]);
});

test("a doubt that nobody can answer is no illness, and ends when somebody can", async () => {
  const web = await startWeb();
  bed.containers.delete("web");
  await hint("web");
  await eventually(() => expect(step()).toBe("waiting"));
  expect(bed.record("web").ill).toBe(false);
  expect(await bed.status("web")).toMatchObject({
    state: "waiting",
    trouble: { code: "UNREACHABLE" },
    retryAt: expect.any(Number),
  });
  bed.containers.set("web", web);
  await hint();
  expect(bed.record("web")).toMatchObject({ trouble: undefined, retryAt: undefined });
  expect(await bed.status("web")).toMatchObject({ state: "healthy", trouble: null, retryAt: null });
  expect(web.restarts).toBe(1);
});

describe("a service that is held on its last good state", () => {
  /** It is ill on 666; its check refuses 999. */
  async function hold(port: string): Promise<FakeContainer> {
    const checked = manifest("web").replace(" }]\n", ', check: [sh, -c, "! grep 999 $0", "{{staged}}"] }]\n');
    bed = await makeBed({ web: checked }, { "web/env.hbs": "PORT={{web.port}}\nMOTTO={{web.motto}}\n" }, later);
    const web = addContainer(bed, "web", {
      isHealthy: async () => !(await bed.read("web.env")).includes("666"),
    });
    await change({});
    await change({ "web.port": port });
    return web;
  }

  const ends: Readonly<Record<string, (web: FakeContainer) => void>> = {
    "falls ill": (web) => Object.assign(web, { isHealthy: () => false }),
    "is gone": () => bed.containers.delete("web"),
  };
  const cases = Object.entries(ends).flatMap(([what, end]) => [
    { what, end, port: "666", held: "rolled-back", why: /Besides, revision 2 was taken back: not healthy/ },
    { what, end, port: "999", held: "refused", why: /Besides, revision 2 was refused: sh refuses/ },
  ]);
  test.each(cases)("and $what is said to ($held), and so is its recovery", async ({ end, port, held, why }) => {
    const web = await hold(port);
    const { isHealthy, restarts } = web;
    const { trouble } = bed.record("web");
    expect(await bed.status("web")).toMatchObject({ state: held, retryAt: null });
    end(web);
    await hint("web");
    await eventually(() => expect(step()).toBe("waiting"));
    const message = expect.stringMatching(why);
    expect(await bed.status("web")).toMatchObject({ state: "waiting", live: 1, trouble: { message } });
    Object.assign(web, { isHealthy });
    bed.containers.set("web", web);
    await hint("web");
    await eventually(() => expect(step()).toBe(held));
    expect(bed.record("web")).toMatchObject({ ill: false, retryAt: undefined, quarantine: { revision: 2 } });
    expect(bed.record("web").trouble).toMatchObject({ code: trouble?.code, message: trouble?.message });
    expect(await bed.status("web")).toMatchObject({ state: held });
    expect(web.restarts).toBe(restarts);
  });

  test("and is well costs a question and nothing else", async () => {
    const web = await hold("666");
    const before = [web.restarts, bed.steps("web").length];
    await hint("web");
    expect([web.restarts, bed.steps("web").length]).toEqual(before);
  });

  test("and fell ill is not held when something good is wanted", async () => {
    const web = await hold("666");
    const { isHealthy } = web;
    web.isHealthy = () => false;
    await hint("web");
    await becomesIll();
    web.isHealthy = isHealthy;
    await change({ "web.port": "81" });
    expect(bed.record("web")).toMatchObject({ ill: false, quarantine: undefined, trouble: undefined });
    expect([step(), await bed.read("web.env")]).toEqual(["healthy", "PORT=81\nMOTTO=hi\n"]);
  });
});

describe("the way back", () => {
  test("starts what the change ended for good", async () => {
    const web = await startWeb();
    web.isHealthy = async () => {
      const isGood = !(await bed.read("web.env")).includes("666");
      web.running &&= isGood;
      return isGood;
    };
    await change({ "web.port": "666" });
    expect(step()).toBe("rolled-back");
    expect([web.starts, web.running]).toEqual([1, true]);
  });

  test("when it is over, is no longer said to be unfinished", async () => {
    const web = await startWeb({ retryFirst: 20 });
    web.isHealthy = () => false;
    await change({ "web.port": "666" });
    await eventually(() => expect(bed.record("web").trouble?.message).toContain("is not finished"));
    web.isHealthy = () => true;
    await eventually(() => expect(step()).toBe("rolled-back"));
    expect(bed.record("web").trouble?.message).not.toContain("is not finished");
  });
});
