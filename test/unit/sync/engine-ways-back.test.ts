import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ConfigSyncError } from "../../../src/errors.ts";
import { addContainer, type Bed, makeBed } from "./engine-bed.ts";

let bed: Bed;

afterEach(() => bed.remove());

const probe = "{ docker: { container: web }, backoff: { initial: 10ms, factor: 2, max: 20ms, give_up: 150ms } }";

async function oneService({
  rules = "[{ docker: { container: web, action: restart } }]",
  more = "",
  output = "",
} = {}) {
  const outputs = `[{ path: out/web.env, format: "env:compose", template: env.hbs${output} }]`;
  bed = await makeBed(
    { web: `outputs: ${outputs}\nreload: ${rules}\nprobe: ${probe}\n${more}` },
    { "web/env.hbs": "PORT={{web.port}}\nNAME={{web.name}}\n" },
  );
}

async function startOn(values: Readonly<Record<string, string>>): Promise<void> {
  bed.say(values);
  await bed.start();
  await bed.engine().settled();
}

async function lookAtEverything(): Promise<void> {
  bed.engine().lookAtEverything();
  await bed.engine().settled();
}

const good = { "web.port": "80", "web.name": "a" };
const bad = { "web.port": "666", "web.name": "a" };

describe("the way back", () => {
  test("of a service that takes longer than its patience restarts it once", async () => {
    await oneService();
    const web = addContainer(bed, "web");
    await startOn(good);
    web.isHealthy = () => false;
    await bed.change(bad);
    await expect.poll(() => bed.record("web").attempts).toBeGreaterThan(1);
    expect(await bed.read("web.env")).toContain("PORT=80");
    expect(web.restarts).toBe(1 + 1 + 1);
    web.isHealthy = () => true;
    await expect.poll(() => bed.steps("web").at(-1)).toBe("rolled-back");
    expect(web.restarts).toBe(3);
    expect(bed.record("web")).toMatchObject({ undo: undefined, healthy: { revision: 1 }, loaded: { revision: 1 } });
  });

  test("that a newer value cuts short leaves the ledger knowing what the service has loaded", async () => {
    await oneService({
      rules: "[{ when: [web.name], none: true }, { docker: { container: web, action: restart } }]",
    });
    const web = addContainer(bed, "web");
    await startOn(good);
    web.isHealthy = () => false;
    await bed.change(bad);
    await expect.poll(() => bed.record("web").attempts).toBeGreaterThan(0);
    const restarts = web.restarts;
    web.isHealthy = () => true;
    // Against the failed values only the name is new; against those that came back also the port.
    await bed.change({ ...bad, "web.name": "b" });
    expect(await bed.read("web.env")).toBe("PORT=666\nNAME=b\n");
    expect(web.restarts).toBe(restarts + 1);
  });
});

test("a reload without an answer is made good by the next one, also where that would need a cheaper one", async () => {
  await oneService({ rules: "[{ when: [web.name], none: true }, { docker: { container: web, action: restart } }]" });
  const web = addContainer(bed, "web");
  await startOn(good);
  let loaded = "";
  web.onRestart = async () => {
    loaded = await bed.read("web.env");
    if (loaded.includes("81")) throw new ConfigSyncError("TIMED_OUT", "no answer");
  };
  await bed.change({ ...good, "web.port": "81" });
  expect(loaded).toContain("PORT=81");
  await bed.change({ ...good, "web.name": "b" });
  expect(await bed.read("web.env")).toBe("PORT=80\nNAME=b\n");
  expect(loaded).toContain("PORT=80");
});

describe("a reload that is asked for", () => {
  test("of a service on its last good state never counts that state as failed", async () => {
    await oneService();
    const web = addContainer(bed, "web");
    await startOn(good);
    web.isHealthy = () => false;
    bed.engine().force("web");
    await bed.engine().settled();
    expect(bed.record("web").quarantine).toBeUndefined();
    expect(bed.steps("web").at(-1)).toBe("waiting");
    web.isHealthy = () => true;
    await expect.poll(() => bed.steps("web").at(-1)).toBe("healthy");
    expect(web.restarts).toBe(2);
  });

  test("is done though a service that it needs is down", async () => {
    const manifest = (name: string, more = "") =>
      `outputs: [{ path: out/${name}, format: text, template: t.hbs }]
reload: [{ docker: { container: ${name}, action: restart } }]
${more}`;
    bed = await makeBed(
      { db: manifest("db"), app: manifest("app", "depends_on: [db]\n") },
      { "db/t.hbs": "{{db.port}}", "app/t.hbs": "{{app.port}}" },
    );
    addContainer(bed, "db");
    const app = addContainer(bed, "app");
    await startOn({ "db.port": "1", "app.port": "1" });
    bed.containers.delete("db");
    await bed.change({ "db.port": "2", "app.port": "1" });
    expect(bed.steps("db").at(-1)).toBe("waiting");
    bed.engine().force("app");
    await bed.engine().settled();
    expect(app.restarts).toBe(2);
  });
});

describe("what was refused", () => {
  test("is not called healthy when it can be rendered again but has failed before", async () => {
    await oneService();
    const web = addContainer(bed, "web", { isHealthy: async () => !(await bed.read("web.env")).includes("666") });
    await startOn(good);
    await bed.change(bad);
    await bed.change({ "web.port": "666" });
    expect(bed.steps("web").at(-1)).toBe("refused");
    const before = bed.steps("web").length;
    await bed.change(bad);
    expect(bed.steps("web").slice(before)).toEqual([]);
    expect(web.restarts).toBe(3);
  });

  test("by a check is tried again at the next start: settings, manifest and what the check looks at may be other ones", async () => {
    await oneService({ output: ", check: [test, -e, allowed]" });
    addContainer(bed, "web");
    await startOn(good);
    expect(bed.record("web").trouble?.code).toBe("CHECK_REFUSED");
    await bed.stop();
    await writeFile(path.join(bed.folder, "allowed"), "");
    await bed.start();
    await bed.engine().settled();
    expect(bed.steps("web").at(-1)).toBe("healthy");
    expect(bed.record("web")).toMatchObject({ quarantine: undefined, trouble: undefined });
  });
});

test("a stop in the middle of a check leaves no trouble behind", async () => {
  await oneService({ output: ", check: [sleep, '20']" });
  addContainer(bed, "web");
  bed.say(good);
  await bed.start();
  await expect.poll(() => bed.steps("web")).toContain("writing");
  await bed.stop();
  expect(bed.record("web")).toMatchObject({ trouble: undefined, attempts: 0, quarantine: undefined });
});

test("a listener that fails at the wrong moment costs no change", async () => {
  await oneService();
  addContainer(bed, "web");
  await startOn(good);
  await bed.change(new ConfigSyncError("SOURCE_INVALID", "no section"));
  const push = bed.events.push.bind(bed.events);
  bed.events.push = (...events) => {
    if (events.some(({ type }) => type === "input-healed")) {
      bed.events.push = push;
      throw new Error("the log is full");
    }
    return push(...events);
  };
  await bed.change({ ...good, "web.port": "81" });
  void bed.engine().lookAgain();
  await bed.engine().settled();
  await lookAtEverything();
  expect(await bed.read("web.env")).toContain("PORT=81");
});
