import { existsSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { formatPath } from "../../../src/config/path.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import { joinFiles } from "../../../src/sync/files.ts";
import { restoreKeys } from "../../../src/sync/way-back.ts";
import { addContainer, type Bed, makeBed } from "./engine-bed.ts";

describe("restoreKeys", () => {
  const files = {
    "ini:gitea": {
      before: "; theirs\n[server]\nPORT = 80\nNAME = a\n",
      now: "; theirs\n[server]\nPORT = 81\nNAME = b\nNEW  = 1\n\n[security]\nTOKEN = t\n",
      keys: ["server.PORT", "server.NEW"],
      after: { "server.PORT": "80", "server.NAME": "b", "security.TOKEN": "t" },
    },
    "env:compose": {
      before: "PORT=80\nNAME=a\n",
      now: "PORT=81\nNAME=b\nNEW=1\nTOKEN=t\n",
      keys: ["PORT", "NEW"],
      after: { PORT: "80", NAME: "b", TOKEN: "t" },
    },
    json: {
      before: '{ "server": { "port": 80 }, "name": "a" }',
      now: '{\n  "server": {\n    "port": 81,\n    "new": true\n  },\n  "name": "b",\n  "token": "t"\n}\n',
      keys: ["server.port", "server.new"],
      after: { "server.port": "80", name: "b", token: "t" },
    },
    yaml: {
      before: "server:\n  port: 80\nname: a\n",
      now: "server:\n  port: 81\n  new: true\nname: b\ntoken: t\n",
      keys: ["server.port", "server.new"],
      after: { "server.port": "80", name: "b", token: "t" },
    },
    toml: {
      before: 'name = "a"\n[server]\nport = 80\n',
      now: 'name = "b"\ntoken = "t"\n[server]\nport = 81\nnew = true\n',
      keys: ["server.port", "server.new"],
      after: { "server.port": "80", name: "b", token: "t" },
    },
  };

  const valuesIn = async (name: string, text: string) =>
    Object.fromEntries((await loadFormat(name)).read(text).map((field) => [formatPath(field.path), field.value]));

  test.each(Object.entries(files))("%s: our keys go back, everybody else's stay", async (name, file) => {
    const { before, now, keys, after } = file;
    const format = await loadFormat(name);
    expect(await valuesIn(name, restoreKeys(format, { before, now, keys }))).toEqual(after);
    const without = Object.fromEntries(Object.entries(after).filter(([key]) => !keys.includes(key)));
    expect(await valuesIn(name, restoreKeys(format, { before: undefined, now, keys }))).toEqual(without);
  });

  test("any values: ours are those of before, the others those of now, and twice is as once", async () => {
    const format = await loadFormat("env:compose");
    const names = ["A", "B", "C", "D", "E"];
    const values = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 0, max: 9 }).map(String));
    const write = (entries: Record<string, string>) => Object.entries(entries).map((entry) => `${entry.join("=")}\n`);
    fc.assert(
      fc.property(values, values, fc.subarray(names), (before, now, keys) => {
        const texts = { before: write(before).join(""), now: write(now).join("") };
        const text = restoreKeys(format, { ...texts, keys });
        const found = Object.fromEntries(format.read(text).map((field) => [field.path.join(), field.value]));
        const expected = names.map((name) => [name, keys.includes(name) ? before[name] : now[name]]);
        expect(found).toEqual(Object.fromEntries(expected.filter(([, value]) => value !== undefined)));
        expect(restoreKeys(format, { ...texts, now: text, keys })).toBe(text);
      }),
    );
  });
});

test("what was written between two writes of ours is not forgotten by the way back of the first", () => {
  const file = { path: "f", mode: 0o644, uid: 0, gid: 0, inPlace: false };
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const first = { ...file, bytes: base64("0"), merged: { wrote: "-", keys: ["A"] } };
  const second = { ...file, bytes: base64("1 and theirs"), merged: { wrote: "--", keys: ["B"] } };
  expect(joinFiles([first], [second])).toEqual([{ ...first, merged: { wrote: "", keys: ["A", "B"] } }]);
});

describe("a change that is taken back from a file that the service writes into", () => {
  let bed: Bed;
  afterEach(() => bed.remove());

  const file = () => path.join(bed.folder, "out/app.ini");

  /** What the service appends to its file at its next restart, once, as Gitea does at its first start. On port 666 it does not come up. */
  let appends = "";

  async function start(values: Readonly<Record<string, string>>, text?: string): Promise<void> {
    bed = await makeBed(
      {
        web: `outputs: [{ path: out/app.ini, format: "ini:gitea", template: app.hbs, merge: true }]
reload: [{ docker: { container: web, action: restart } }]
probe: { docker: { container: web }, backoff: { initial: 10ms, factor: 2, max: 20ms, give_up: 100ms } }
`,
      },
      { "web/app.hbs": "[server]\nPORT = {{web.port}}\n{{#if web.name}}NAME = {{web.name}}\n{{/if}}" },
    );
    addContainer(bed, "web", {
      onRestart: async () => {
        if (appends !== "") await appendFile(file(), appends);
        appends = "";
      },
      isHealthy: async () => !(await readFile(file(), "utf8")).includes("666"),
    });
    if (text !== undefined) await writeFile(file(), text);
    bed.say(values);
    await bed.start();
    await bed.engine().settled();
  }
  const token = "[security]\nTOKEN = t\n";

  test("leaves there what the service wrote since", async () => {
    await start({ "web.port": "80" }, "; mine\n[server]\nPORT = 1\n");
    appends = token;
    await bed.change({ "web.port": "666", "web.name": "x" });
    expect(bed.steps("web").at(-1)).toBe("rolled-back");
    expect(await readFile(file(), "utf8")).toBe(`; mine\n[server]\nPORT = 80\n${token}`);
  });

  test("also where there was no file before", async () => {
    appends = token;
    await start({ "web.port": "666" });
    expect(bed.record("web").quarantine?.revision).toBe(1);
    const text = await readFile(file(), "utf8");
    expect(text).toContain("TOKEN = t");
    expect(text).not.toContain("PORT");
  });

  test("and leaves no file where there was none and nobody wrote a key", async () => {
    appends = "; hello\n";
    await start({ "web.port": "666" });
    expect(existsSync(file())).toBe(false);
  });

  test("and is byte for byte what it was where nobody wrote", async () => {
    await start({ "web.port": "80", "web.name": "b" }, "; mine\r\n[server]\r\nNAME = a ; said so\r\n  PORT=`80`\r\n");
    const before = await readFile(file(), "utf8");
    await bed.change({ "web.port": "666" });
    expect(bed.steps("web").at(-1)).toBe("rolled-back");
    expect(await readFile(file(), "utf8")).toBe(before);
  });
});
