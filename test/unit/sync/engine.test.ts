import { chmod, mkdir, readdir, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ConfigSyncError } from "../../../src/errors.ts";
import { addContainer, type Bed, makeBed } from "./engine-bed.ts";

let bed: Bed;

afterEach(() => bed.remove());

/** A service with an env file that restarts its container; probes give up after 150 ms. */
function manifest(name: string, { more = "", output = "" } = {}): string {
  return `outputs: [{ path: out/${name}.env, format: "env:compose", template: env.hbs${output} }]
reload: [{ docker: { container: ${name}, action: restart } }]
probe: { docker: { container: ${name} }, backoff: { initial: 10ms, factor: 2, max: 20ms, give_up: 150ms } }
${more}`;
}

async function oneService(options: { more?: string; output?: string } = {}): Promise<void> {
  bed = await makeBed(
    { web: manifest("web", options) },
    { "web/env.hbs": "PORT={{web.port}}\nPWD={{web.user_pwd}}\n" },
  );
}

const good = { "web.port": "80", "web.user_pwd": "canary-1" };
const better = { "web.port": "81", "web.user_pwd": "canary-1" };
const bad = { "web.port": "666", "web.user_pwd": "canary-2" };

/** Healthy unless its file holds the bad port. */
function addPickyContainer(): ReturnType<typeof addContainer> {
  return addContainer(bed, "web", { isHealthy: async () => !(await bed.read("web.env")).includes("666") });
}

async function startOnGood(): Promise<void> {
  bed.say(good);
  await bed.start();
  await bed.engine().settled();
}

describe("a good change", () => {
  test("is written, loaded by one restart, and known to be healthy", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    expect(await bed.read("web.env")).toBe("PORT=80\nPWD=canary-1\n");
    expect(bed.steps("web")).toEqual(["writing", "reloading", "probing", "healthy"]);
    await bed.change(better);
    expect(await bed.read("web.env")).toBe("PORT=81\nPWD=canary-1\n");
    expect(web.restarts).toBe(2);
    const { desired, written, loaded, healthy, undo } = bed.record("web");
    expect([desired, written, loaded, healthy].map((mark) => mark?.revision)).toEqual([2, 2, 2, 2]);
    expect(undo).toBeUndefined();
  });

  test("of other keys leaves a service alone, and so does a second look", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    await bed.change({ ...good, "other.key": "1" });
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(web.restarts).toBe(1);
  });

  test("in several outputs of a service costs one reload", async () => {
    const outputs = ["a", "b", "c"]
      .map((name) => `  - { path: out/${name}, format: text, template: text.hbs }`)
      .join("\n");
    bed = await makeBed(
      { web: `outputs:\n${outputs}\nreload: [{ docker: { container: web, action: restart } }]\n` },
      { "web/text.hbs": "{{web.port}}" },
    );
    const web = addContainer(bed, "web");
    await startOnGood();
    await bed.change(better);
    expect(await Promise.all(["a", "b", "c"].map(bed.read))).toEqual(["81", "81", "81"]);
    expect(web.restarts).toBe(2);
  });

  test("goes through the services in the order of their dependencies", async () => {
    const text = "{{web.port}}";
    bed = await makeBed(
      { app: manifest("app", { more: "depends_on: [db]\n" }), db: manifest("db") },
      { "app/env.hbs": `P=${text}`, "db/env.hbs": `P=${text}` },
    );
    addContainer(bed, "db");
    addContainer(bed, "app");
    await startOnGood();
    const order = bed.events.flatMap((event) =>
      event.type === "service" && event.step === "healthy" ? event.service : [],
    );
    expect(order).toEqual(["db", "app"]);
  });
});

describe("a change that makes a service unhealthy", () => {
  test("is taken back: bytes, mode, running state; and is not tried again by itself", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    await chmod(path.join(bed.folder, "out/web.env"), 0o640);
    await bed.change(bad);
    expect(await bed.read("web.env")).toBe("PORT=80\nPWD=canary-1\n");
    expect((await stat(path.join(bed.folder, "out/web.env"))).mode & 0o777).toBe(0o640);
    expect(web.restarts).toBe(3);
    expect(bed.steps("web").slice(4)).toEqual(["writing", "reloading", "probing", "rolling-back", "rolled-back"]);
    const { healthy, written, loaded, quarantine, undo, trouble } = bed.record("web");
    expect([healthy, written, loaded].map((mark) => mark?.revision)).toEqual([1, 1, 1]);
    expect(quarantine?.revision).toBe(2);
    expect(undo).toBeUndefined();
    expect(trouble?.message).toContain("not healthy after 150 ms");
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(web.restarts).toBe(3);
  });

  test("gives way to the next good one, and may be asked for again", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    await bed.change(bad);
    await bed.change(better);
    expect(await bed.read("web.env")).toContain("PORT=81");
    expect(bed.record("web")).toMatchObject({ quarantine: undefined, trouble: undefined, healthy: { revision: 3 } });
    await bed.change(bad);
    web.isHealthy = () => true;
    bed.engine().force("web");
    await bed.engine().settled();
    expect(await bed.read("web.env")).toContain("PORT=666");
    expect(bed.record("web").healthy?.revision).toBe(4);
  });

  test("going back to what is healthy already ends the trouble without a reload", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    await bed.change(bad);
    await bed.change(good);
    expect(bed.record("web")).toMatchObject({ quarantine: undefined, trouble: undefined });
    expect(web.restarts).toBe(3);
  });

  test("at the very first leaves what was there before", async () => {
    await oneService();
    addPickyContainer();
    await writeFile(path.join(bed.folder, "out/web.env"), "by hand\n");
    bed.say(bad);
    await bed.start();
    await bed.engine().settled();
    expect(await bed.read("web.env")).toBe("by hand\n");
    await bed.change({ ...bad, "web.port": "6660" });
    expect(await bed.read("web.env")).toBe("by hand\n");
  });

  test("in a file that was not there removes it again", async () => {
    await oneService();
    addContainer(bed, "web", { isHealthy: () => false });
    bed.say(bad);
    await bed.start();
    await bed.engine().settled();
    expect(await readdir(path.join(bed.folder, "out"))).toEqual([]);
  });

  test("to a service that was stopped stops it again", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    web.running = false;
    await bed.change(bad);
    expect(web).toMatchObject({ running: false, stops: 1 });
  });

  test("with on_failure: keep stays, and is asked again until it is healthy, without another restart", async () => {
    await oneService({ more: "on_failure: keep\n" });
    const web = addPickyContainer();
    await startOnGood();
    await bed.change(bad);
    expect(await bed.read("web.env")).toContain("PORT=666");
    expect(web.restarts).toBe(2);
    web.isHealthy = () => true;
    await expect.poll(() => bed.record("web").healthy?.revision).toBe(2);
    expect(web.restarts).toBe(2);
  });

  test("does not hold up a newer one, and the way back leads to the last healthy state", async () => {
    const slow = manifest("web").replace("give_up: 150ms", "give_up: 60s");
    bed = await makeBed({ web: slow }, { "web/env.hbs": "PORT={{web.port}}\n" });
    addPickyContainer();
    await startOnGood();
    bed.say(bad);
    void bed.engine().lookAgain();
    await expect.poll(() => bed.steps("web").filter((step) => step === "probing")).toHaveLength(2);
    expect(Buffer.from(bed.record("web").undo?.files[0]?.bytes ?? "", "base64").toString()).toBe("PORT=80\n");
    await bed.change(better);
    expect(await bed.read("web.env")).toBe("PORT=81\n");
    expect(bed.record("web").healthy?.revision).toBe(3);
  });
});

describe("a service that cannot be told", () => {
  test("is waited for while its container is not there, with the file in place", async () => {
    await oneService();
    bed.say(good);
    await bed.start();
    await bed.engine().settled();
    expect(await bed.read("web.env")).toContain("PORT=80");
    expect(bed.steps("web").at(-1)).toBe("waiting");
    expect(bed.record("web").retryAt).toBeGreaterThan(0);
    const web = addPickyContainer();
    await expect.poll(() => bed.record("web").healthy?.revision).toBe(1);
    expect(web.restarts).toBe(1);
    expect(bed.record("web")).toMatchObject({ attempts: 0, retryAt: undefined, trouble: undefined });
  });

  test("that fails once is reloaded again by itself", async () => {
    await oneService();
    const web = addPickyContainer();
    web.onRestart = () => {
      if (web.restarts === 1) throw new ConfigSyncError("RELOAD_REFUSED", "busy");
    };
    await startOnGood();
    await expect.poll(() => bed.record("web").healthy?.revision).toBe(1);
    expect(web.restarts).toBe(2);
  });

  test("that refuses three times gets its old file back", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    web.onRestart = async () => {
      if ((await bed.read("web.env")).includes("81")) throw new ConfigSyncError("RELOAD_REFUSED", "no");
    };
    await bed.change(better);
    await expect.poll(() => bed.steps("web").at(-1)).toBe("rolled-back");
    expect(await bed.read("web.env")).toContain("PORT=80");
    expect(bed.record("web")).toMatchObject({ quarantine: { revision: 2 }, undo: undefined });
    expect(web.restarts).toBe(1 + 3 + 1);
  });

  test("holds back those that depend on it, and only those", async () => {
    bed = await makeBed(
      { db: manifest("db"), app: manifest("app", { more: "depends_on: [db]\n" }), other: manifest("other") },
      { "db/env.hbs": "P={{web.port}}", "app/env.hbs": "P={{web.port}}", "other/env.hbs": "P={{web.port}}" },
    );
    const app = addContainer(bed, "app");
    addContainer(bed, "other");
    bed.say(good);
    await bed.start();
    await bed.engine().settled();
    expect(bed.steps("other").at(-1)).toBe("healthy");
    expect(bed.steps("app")).toEqual(["waiting"]);
    addContainer(bed, "db");
    await expect.poll(() => bed.record("app").healthy?.revision).toBe(1);
    expect(app.restarts).toBe(1);
  });

  test.each([
    ["its check refuses it", "out/db.env", (file: string) => rmdir(file)],
    ["the file that is there cannot be read", "out/db.env", (file: string) => replace(file, "A='unclosed\n")],
  ])("holds nobody back any more when there is nothing left to try: %s", async (_, file, settle) => {
    const output = ', merge: true, check: ["false", "{{staged}}"]';
    bed = await makeBed(
      { db: manifest("db", { output }), app: manifest("app", { more: "depends_on: [db]\n" }) },
      { "db/env.hbs": "P={{web.port}}", "app/env.hbs": "P={{web.port}}" },
    );
    addContainer(bed, "db");
    addContainer(bed, "app");
    await mkdir(path.join(bed.folder, file));
    await startOnGood();
    expect([bed.steps("db").at(-1), bed.steps("app")]).toEqual(["waiting", ["waiting"]]);
    expect(await bed.status("db")).toMatchObject({ state: "waiting", trouble: { code: "WRITE_FAILED" } });
    await settle(path.join(bed.folder, file));
    await expect.poll(() => bed.steps("db").at(-1)).toBe("refused");
    expect(await bed.status("db")).toMatchObject({ state: "refused", retryAt: null });
    bed.engine().lookAtEverything();
    await expect.poll(() => bed.steps("app").at(-1)).toBe("healthy");
  });
});

async function replace(folder: string, text: string): Promise<void> {
  await rmdir(folder);
  await writeFile(folder, text);
}

describe("a crash", () => {
  test("between writing and reloading is made good at the next start, without a change", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    web.onRestart = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    bed.say(better);
    void bed.engine().lookAgain();
    await expect.poll(() => web.restarts).toBe(2);
    await bed.stop();
    web.onRestart = () => undefined;
    await bed.start();
    await bed.engine().settled();
    expect(web.restarts).toBe(3);
    expect(bed.record("web").healthy?.revision).toBe(2);
  });

  test("on the way back goes on with the way back", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    web.onRestart = (signal) => {
      if (web.restarts === 3)
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    bed.say(bad);
    void bed.engine().lookAgain();
    await expect.poll(() => web.restarts).toBe(3);
    await bed.stop();
    await bed.start();
    await bed.engine().settled();
    expect(await bed.read("web.env")).toContain("PORT=80");
    expect(bed.record("web")).toMatchObject({ undo: undefined, healthy: { revision: 1 }, quarantine: { revision: 2 } });
    expect(web.restarts).toBe(4);
  });

  test("with the ledger lost costs one reload and nothing else", async () => {
    await oneService();
    const web = addPickyContainer();
    await startOnGood();
    await bed.stop();
    await writeFile(path.join(bed.folder, "state/ledger.jsonl"), "rubbish");
    await bed.start();
    await bed.engine().settled();
    expect(web.restarts).toBe(2);
    expect(bed.record("web").healthy?.revision).toBe(1);
  });
});

describe("bad input", () => {
  test("keeps the last good values, is told once, and heals", async () => {
    await oneService();
    addPickyContainer();
    await startOnGood();
    const problem = new ConfigSyncError("SOURCE_INVALID", "no section", { place: { file: "config.ini", line: 3 } });
    await bed.change(problem);
    await bed.change(problem);
    expect(bed.events.filter(({ type }) => type === "input-refused")).toHaveLength(1);
    expect(bed.engine().state().problems[0]?.toText()).toBe("config.ini:3: no section");
    expect(await bed.read("web.env")).toContain("PORT=80");
    await bed.change(better);
    expect(bed.events.filter(({ type }) => type === "input-healed")).toHaveLength(1);
    expect(await bed.read("web.env")).toContain("PORT=81");
  });

  test("for one service does not hold up the others, and names the key", async () => {
    bed = await makeBed(
      { web: manifest("web"), api: manifest("api") },
      { "web/env.hbs": "P={{web.port}}", "api/env.hbs": "P={{api.port}}" },
    );
    addContainer(bed, "web");
    addContainer(bed, "api");
    await startOnGood();
    expect(bed.steps("web").at(-1)).toBe("healthy");
    expect(bed.steps("api")).toEqual(["refused"]);
    expect(JSON.stringify(bed.events)).toContain("api.port");
    await bed.change({ ...good, "api.port": "1" });
    expect(bed.steps("api").at(-1)).toBe("healthy");
  });

  test("that cannot be rendered leaves what was wanted before, also where that is not finished yet", async () => {
    await oneService();
    bed.say(good);
    await bed.start();
    await bed.engine().settled();
    expect(bed.steps("web").at(-1)).toBe("waiting");
    await bed.change({ "web.port": "81" });
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(bed.steps("web").filter((step) => step === "refused")).toHaveLength(1);
    addPickyContainer();
    await expect.poll(() => bed.steps("web").at(-1)).toBe("healthy");
    expect(await bed.read("web.env")).toContain("PORT=80");
  });

  test("names the place where the value was given, not only the template", async () => {
    bed = await makeBed({ web: manifest("web") }, { "web/env.hbs": "P={{number web.port}}" });
    addContainer(bed, "web");
    bed.say({ "web.port": "eighty" });
    await bed.start();
    expect(JSON.stringify(bed.events)).toContain("(given in config.ini)");
  });

  test("in the file that is there is told once, the file stays, and it heals with it", async () => {
    await oneService({ output: ", merge: true" });
    addPickyContainer();
    await writeFile(path.join(bed.folder, "out/web.env"), "A='unclosed\n");
    await startOnGood();
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(bed.steps("web")).toEqual(["refused"]);
    expect(await bed.read("web.env")).toBe("A='unclosed\n");
    await writeFile(path.join(bed.folder, "out/web.env"), "A='closed'\n");
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(bed.steps("web").at(-1)).toBe("healthy");
    expect(await bed.read("web.env")).toBe("A='closed'\nPORT=80\nPWD=canary-1\n");
  });

  test("that the service's own check refuses is never visible, and checked once", async () => {
    await oneService({ output: ', check: [grep, -q, "PORT=8", "{{staged}}"]' });
    const web = addPickyContainer();
    await startOnGood();
    await bed.change(bad);
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(await bed.read("web.env")).toContain("PORT=80");
    expect(await readdir(path.join(bed.folder, "out"))).toEqual(["web.env"]);
    expect(web.restarts).toBe(1);
    expect(bed.steps("web").filter((step) => step === "refused")).toHaveLength(1);
    expect(bed.record("web").trouble).toMatchObject({ code: "CHECK_REFUSED" });
  });

  test("that leads out of the allowed folders writes nothing", async () => {
    bed = await makeBed(
      { web: "outputs: [{ path: elsewhere/x, format: text, template: t.hbs }]\n" },
      { "web/t.hbs": "x" },
    );
    await startOnGood();
    expect(bed.record("web").trouble).toMatchObject({ code: "PATH_FORBIDDEN" });
    await expect(stat(path.join(bed.folder, "elsewhere"))).rejects.toThrow();
  });
});

test("in_place keeps the very file, on the way there and on the way back", async () => {
  await oneService({ output: ", in_place: true" });
  addPickyContainer();
  await startOnGood();
  const inode = async (): Promise<number> => (await stat(path.join(bed.folder, "out/web.env"))).ino;
  const before = await inode();
  await bed.change(better);
  expect([await bed.read("web.env"), await inode()]).toEqual(["PORT=81\nPWD=canary-1\n", before]);
  await bed.change({ "web.port": "666", "web.user_pwd": "" });
  expect(bed.steps("web").at(-1)).toBe("rolled-back");
  expect([await bed.read("web.env"), await inode()]).toEqual(["PORT=81\nPWD=canary-1\n", before]);
});

test("somebody else's change to a file is repaired, and the service is told", async () => {
  await oneService();
  const web = addPickyContainer();
  await startOnGood();
  await writeFile(path.join(bed.folder, "out/web.env"), "PORT=1\n");
  bed.engine().lookAtEverything();
  await bed.engine().settled();
  expect(await bed.read("web.env")).toBe("PORT=80\nPWD=canary-1\n");
  expect(web.restarts).toBe(2);
});

test("no event holds a secret", async () => {
  await oneService({ output: ', check: [sh, -c, "cat $0; exit 1", "{{staged}}"]' });
  addPickyContainer();
  await startOnGood();
  await bed.change(bad);
  expect(bed.events.length).toBeGreaterThan(2);
  expect(JSON.stringify(bed.events)).not.toMatch(/canary-[12]/);
  expect(JSON.stringify(bed.record("web").trouble)).not.toMatch(/canary-[12]/);
});
