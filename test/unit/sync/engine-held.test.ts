/** Services whose newest values failed: they are kept at their last good state. */
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { ConfigSyncError } from "../../../src/errors.ts";
import { eventually } from "../../support/action-context.ts";
import { addContainer, type Bed, type FakeContainer, makeBed } from "./engine-bed.ts";

let bed: Bed;
let web: FakeContainer;
let file: string;

afterEach(() => bed.remove());

const good = "[server]\nPORT = 80\nNAME = shop\n";

/** A service that is not healthy on port 666: it was healthy on 80, went to 666, and is back. */
async function startHeld(output = ""): Promise<void> {
  bed = await makeBed(
    {
      web: `outputs: [{ path: out/app.ini, format: "ini:gitea", template: t.hbs, merge: true${output} }]
reload: [{ docker: { container: web, action: restart } }]
probe: { docker: { container: web }, backoff: { initial: 10ms, factor: 1, max: 10ms, give_up: 100ms } }
`,
    },
    { "web/t.hbs": "[server]\nPORT = {{web.port}}\nNAME = {{web.name}}\n" },
  );
  file = path.join(bed.folder, "out/app.ini");
  web = addContainer(bed, "web", { isHealthy: async () => !(await readFile(file, "utf8")).includes("666") });
  bed.say({ "web.port": "80", "web.name": "shop" });
  await bed.start();
  await bed.engine().settled();
  await bed.change({ "web.port": "666", "web.name": "shop" });
  expect(await bed.status("web")).toMatchObject({ state: "rolled-back", live: 1 });
  expect(await readFile(file, "utf8")).toBe(good);
  web.restarts = 0;
}

async function look(): Promise<void> {
  bed.engine().lookAtEverything();
  await bed.engine().settled();
}

async function isHeld(): Promise<void> {
  await eventually(async () =>
    expect(await bed.status("web")).toMatchObject({ state: "rolled-back", desired: 2, live: 1 }),
  );
  expect(bed.record("web").quarantine).toMatchObject({ revision: 2 });
}

test.each([
  ["an edit", () => writeFile(file, good.replace("80", "8"))],
  ["a deletion", () => rm(file)],
])("%s is put right, the service is told once, and what failed is not tried again", async (_, edit) => {
  await startHeld();
  await edit();
  await eventually(async () => expect(await readFile(file, "utf8")).toBe(good));
  await look();
  expect(web.restarts).toBe(1);
  await isHeld();
  expect(bed.steps("web").slice(-3)).toEqual(["drifted", "writing", "reloading"]);
});

test("after a restart of the daemon, too", async () => {
  await startHeld();
  await bed.stop();
  await writeFile(file, good.replace("80", "8"));
  await bed.start();
  await bed.engine().settled();
  expect(await readFile(file, "utf8")).toBe(good);
  expect(web.restarts).toBe(1);
  await isHeld();
});

test("keys of others stay", async () => {
  await startHeld();
  const own = "\n[security]\nSECRET_KEY = abc\n";
  await writeFile(file, `${good}${own}`);
  await look();
  expect(web.restarts).toBe(0);
  await writeFile(file, `${good.replace("80", "8")}${own}`);
  await look();
  expect(await readFile(file, "utf8")).toBe(`${good}${own}`);
});

test("who only wants to know of drift is told once", async () => {
  await startHeld(", drift: report");
  await writeFile(file, good.replace("80", "8"));
  await look();
  await look();
  expect(await readFile(file, "utf8")).toContain("PORT = 8\n");
  expect(bed.steps("web").filter((step) => step === "drifted")).toHaveLength(1);
  expect(web.restarts).toBe(0);
  await isHeld();
});

test("a service that was to be told when the daemon ended is told afterwards", async () => {
  await startHeld();
  const told = Promise.withResolvers<void>();
  web.onRestart = (signal) => {
    told.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  await writeFile(file, good.replace("80", "8"));
  await told.promise;
  await bed.stop();
  web.onRestart = () => undefined;
  await bed.start();
  await bed.engine().settled();
  expect(web.restarts).toBe(2);
  expect(await readFile(file, "utf8")).toBe(good);
  await isHeld();
});

test("one that is not there is told when it is back, and the reason why it is held stays", async () => {
  await startHeld();
  web.onRestart = () => {
    throw new ConfigSyncError("UNREACHABLE", "away");
  };
  await writeFile(file, good.replace("80", "8"));
  await eventually(() =>
    expect(bed.record("web").trouble?.message).toMatch(/away.*Besides, revision 2 was taken back/s),
  );
  web.onRestart = () => undefined;
  await eventually(() => expect(bed.record("web").trouble?.code).toBe("UNHEALTHY"));
  await isHeld();
});

test("the next good values are taken", async () => {
  await startHeld();
  await writeFile(file, good.replace("80", "8"));
  await look();
  await bed.change({ "web.port": "81", "web.name": "shop" });
  expect(await readFile(file, "utf8")).toBe(good.replace("80", "81"));
  expect(bed.record("web")).toMatchObject({ quarantine: undefined, trouble: undefined, healthy: { revision: 3 } });
});

test("what is applied of an older revision, because the newest cannot be rendered, is noted as that", async () => {
  await startHeld();
  web.onRestart = () => {
    throw new ConfigSyncError("UNREACHABLE", "away");
  };
  await bed.change({ "web.port": "81", "web.name": "shop" });
  await bed.change({ "web.port": "82" });
  expect(bed.steps("web")).toContain("refused");
  web.onRestart = () => undefined;
  await eventually(() => expect(bed.record("web").healthy?.revision).toBe(3));
  expect(await readFile(file, "utf8")).toBe(good.replace("80", "81"));
});
