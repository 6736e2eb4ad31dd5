import { chmod, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../../support/action-context.ts";
import { addContainer, type Bed, makeBed } from "./engine-bed.ts";

let bed: Bed;

afterEach(() => bed.remove());

const values = { "web.port": "80", "web.name": "shop" };
const template = "[server]\nPORT = {{web.port}}\nNAME = {{web.name}}\nURL = http://{{web.name}}/\n";

async function startWith(
  output: string,
  name = "app.ini",
  options: Parameters<typeof makeBed>[2] = {},
): Promise<{ file: string; web: ReturnType<typeof addContainer> }> {
  bed = await makeBed(
    {
      web: `outputs: [{ path: out/${name}, format: "ini:gitea", template: app.hbs, merge: true${output} }]
reload: [{ docker: { container: web, action: restart } }]
`,
    },
    { "web/app.hbs": template },
    options,
  );
  const web = addContainer(bed, "web");
  bed.say(values);
  await bed.start();
  await bed.engine().settled();
  return { file: path.join(bed.folder, "out", name), web };
}

const right = "[server]\nPORT = 80\nNAME = shop\nURL  = http://shop/\n";
const untilRight = (file: string) => eventually(async () => expect(await valuesIn(file)).toEqual(["80", "shop"]));

async function valuesIn(file: string): Promise<(string | undefined)[]> {
  const text = await readFile(file, "utf8");
  return [/^PORT\s*= (.*)$/m.exec(text)?.[1], /^NAME\s*= (.*)$/m.exec(text)?.[1]];
}

describe("what somebody else did to an output is put right without a look being asked for", () => {
  const deeds: Record<string, (file: string) => Promise<unknown>> = {
    "an edit": (file) => writeFile(file, right.replace("80", "8")),
    "an edit that saves by rename": async (file) => {
      await writeFile(`${file}.new`, right.replace("80", "8"));
      await rename(`${file}.new`, file);
    },
    "a deletion": (file) => rm(file),
    "a symlink in its place": async (file) => {
      await writeFile(`${file}.other`, "[server]\nPORT = 9\n");
      await rm(file);
      await symlink(`${file}.other`, file);
    },
  };
  test.each(Object.entries(deeds))("%s", async (_, deed) => {
    const { file, web } = await startWith("");
    await deed(file);
    await untilRight(file);
    await bed.engine().settled();
    expect(web.restarts).toBe(2);
    expect(bed.steps("web")).toContain("drifted");
  });

  test("an edit in a folder that the first write made, made again after a deletion", async () => {
    const { file, web } = await startWith("", "new/app.ini");
    await writeFile(file, right.replace("80", "8"));
    await untilRight(file);
    await rm(path.dirname(file), { recursive: true });
    await untilRight(file);
    await writeFile(file, right.replace("80", "8"));
    await untilRight(file);
    await bed.engine().settled();
    expect(web.restarts).toBe(4);
  });

  test("a link that leads away: not followed, and the file is back when the link is gone", async () => {
    const { file, web } = await startWith("");
    const foreign = path.join(bed.folder, "foreign.ini");
    await writeFile(foreign, "[server]\nPORT = 9\n");
    await rm(file);
    await symlink(foreign, file);
    await eventually(() => expect(bed.record("web").trouble?.code).toBe("PATH_FORBIDDEN"));
    expect(await readFile(foreign, "utf8")).toBe("[server]\nPORT = 9\n");
    await rm(file);
    await untilRight(file);
    await bed.engine().settled();
    expect(bed.record("web")).toMatchObject({ quarantine: undefined, trouble: undefined });
    expect(web.restarts).toBe(2);
  });

  test("another mode: put right, and the service is left alone", async () => {
    const { file, web } = await startWith(', mode: "0640"');
    await chmod(file, 0o666);
    await eventually(async () => expect((await stat(file)).mode & 0o777).toBe(0o640));
    await bed.engine().settled();
    expect(web.restarts).toBe(1);
  });
});

test("a service that writes its own keys and its own spelling into the file is left alone", async () => {
  const { file, web } = await startWith("");
  const own = "; made by the service\n[security]\nSECRET_KEY=abc\n\n[server]\nNAME=shop\nPORT=`80`\nURL=http://shop/\n";
  await writeFile(file, own);
  bed.engine().lookAtEverything();
  await bed.engine().settled();
  expect(await readFile(file, "utf8")).toBe(own);
  expect(web.restarts).toBe(1);
  expect(bed.steps("web")).not.toContain("drifted");
});

test("a file that is changed again and again is put right three times, and then no more for a while", async () => {
  const { file, web } = await startWith("");
  for (let round = 0; round < 6; round++) {
    await writeFile(file, right.replace("80", `9${round}`));
    bed.engine().lookAtEverything();
    await bed.engine().settled();
  }
  expect(web.restarts).toBe(4);
  expect(await valuesIn(file)).toEqual(["95", "shop"]);
});

describe("drift that is only reported", () => {
  test("stays, is told once, and a change of the configuration still comes through", async () => {
    const { file, web } = await startWith(", drift: report");
    await writeFile(file, right.replace("80", "8"));
    await eventually(() => expect(bed.steps("web")).toContain("drifted"));
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(bed.steps("web").filter((step) => step === "drifted")).toHaveLength(1);
    expect([await valuesIn(file), web.restarts]).toEqual([["8", "shop"], 1]);
    await bed.change({ ...values, "web.name": "store" });
    expect([await valuesIn(file), web.restarts]).toEqual([["80", "store"], 2]);
  });
});

describe("drift that is adopted", () => {
  test("becomes a revision of the configuration", async () => {
    const { file } = await startWith(", drift: adopt");
    await writeFile(file, right.replace("80", "8080"));
    await eventually(() => expect(bed.record("web").healthy?.revision).toBe(2));
    await bed.engine().settled();
    expect(await valuesIn(file)).toEqual(["8080", "shop"]);
    expect(bed.events.findLast((event) => event.type === "revision")).toMatchObject({
      changes: [{ key: "web.port", before: "80", after: "8080" }],
    });
  });

  test.each([
    ["a key of ours is gone", right.replace(/^NAME.*\n/m, ""), /NAME .* was removed/],
    [
      "a value is put together from several",
      right.replace("http://shop/", "http://x/"),
      /URL .* is not written from one value/,
    ],
  ])("is left and told where it cannot be: %s", async (_, text, why) => {
    const { file } = await startWith(", drift: adopt");
    await writeFile(file, text);
    await eventually(() => expect(bed.steps("web")).toContain("drifted"));
    expect(bed.events.findLast((event) => event.type === "service")?.text).toMatch(why);
    expect(await readFile(file, "utf8")).toBe(text);
  });
});

describe("a storm", () => {
  test("of changes costs two reloads, and the last value is what is loaded", async () => {
    // Longer than a busy machine stands still in between.
    const settleMin = 500;
    const { file, web } = await startWith("", "app.ini", { settleMin });
    await wait(settleMin + 50);
    const before = web.restarts;
    for (let change = 1; change <= 50; change++) {
      bed.say({ ...values, "web.port": String(1000 + change) });
      void bed.engine().lookAgain();
      await wait(4);
    }
    await eventually(async () => expect(await valuesIn(file)).toEqual(["1050", "shop"]));
    await bed.engine().settled();
    expect(web.restarts - before).toBe(2);
  });

  test("is held back by the limit of the service, and nothing is lost", async () => {
    bed = await makeBed(
      {
        web: `outputs: [{ path: out/web.env, format: "env:compose", template: env.hbs }]
reload: [{ docker: { container: web, action: restart } }]
reload_every: 400ms
`,
      },
      { "web/env.hbs": "PORT={{web.port}}\n" },
    );
    const web = addContainer(bed, "web");
    bed.say({ "web.port": "1" });
    await bed.start();
    await bed.engine().settled();
    for (const port of ["2", "3"]) await bed.change({ "web.port": port });
    expect([await bed.read("web.env"), web.restarts]).toEqual(["PORT=1\n", 1]);
    await eventually(async () => expect(await bed.read("web.env")).toBe("PORT=3\n"));
    await bed.engine().settled();
    expect(web.restarts).toBe(2);
  });
});
