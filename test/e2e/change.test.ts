/** The commands that read and change the configuration: through the daemon and without one, with the same answers. */
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Daemon, runCli, type Workspace } from "../support/workspace.ts";
import { makeMinimal } from "./minimal.ts";

let workspace: Workspace;
let daemon: Daemon | undefined;
beforeEach(async () => {
  workspace = await makeMinimal();
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  await workspace.remove();
});

const cs = (...args: string[]) => runCli([...args, "-w", workspace.folder]);
const json = async <T>(...args: string[]): Promise<T> => {
  const { code, stdout, stderr } = await cs(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as T;
};

describe.each([
  ["with a daemon", true],
  ["without a daemon", false],
])("%s", (_, hasDaemon) => {
  beforeEach(async () => {
    if (!hasDaemon) return;
    daemon = workspace.startDaemon();
    await daemon.waitForLine(/demo-nginx.*healthy/);
  });

  test("values are set, read, removed and brought back, and each change is a revision", async () => {
    const before = await workspace.read("config.ini");
    expect(await cs("get", "gitea.http_port")).toEqual({ code: 0, stdout: "3000\n", stderr: "" });
    expect(await cs("set", "gitea.http_port=3001", "app.title=a = b", "-m", "ports moved")).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^revision 2:\n {2}gitea.http_port 3000 → 3001 \(config.ini:\d+:\d+\)\n {2}app.title /,
      ),
      stderr: "",
    });
    expect(await workspace.read("config.ini")).toBe(
      before.replace("= 3000", "= 3001").replace(/^title = .*$/m, "title = a = b"),
    );
    expect(await cs("unset", "app.debug")).toMatchObject({ code: 1, stderr: expect.stringContaining("demo-app") });
    expect(await cs("set", "new_one.key=1")).toMatchObject({ code: 0 });
    expect(await cs("unset", "new_one")).toMatchObject({ code: 0 });
    expect(await cs("rollback", "1", "--section", "gitea")).toMatchObject({ code: 0 });
    expect(await cs("get", "gitea.http_port")).toMatchObject({ stdout: "3000\n" });
    expect(await cs("get", "app.title")).toMatchObject({ stdout: "a = b\n" });
    expect(await cs("rollback", "1", "-m", "all of it")).toMatchObject({ code: 0 });
    expect(await workspace.read("config.ini")).toBe(before);
    const { revisions } = await json<{ revisions: { number: number; message: string }[] }>("history");
    expect(revisions.map(({ number, message }) => `${number} ${message}`)).toEqual([
      "6 all of it",
      "5 roll back [gitea] to revision 1",
      "4 remove new_one",
      "3 set new_one.key",
      "2 ports moved",
      "1 as it was found",
    ]);
    expect(await cs("diff", "1", "2")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("- gitea.http_port = 3000\n+ gitea.http_port = 3001\n"),
    });
    expect(await cs("diff", "1")).toMatchObject({ stdout: "revision 1 → 6\nno value is different\n" });
    expect(await cs("show", "1", "--reveal")).toMatchObject({ code: 0, stdout: expect.stringContaining(before) });
  });

  test("a password is shown nowhere unless it is asked for, and is set by standard input", async () => {
    const secret = "canary-pass-word";
    const main = new URL("../../src/main.ts", import.meta.url).pathname;
    const set = [main, "set", "mail.password", "--stdin", "-w", workspace.folder];
    const told = execFileSync(process.execPath, set, { input: `${secret}\n`, encoding: "utf8" });
    const outputs = [
      { stdout: told },
      ...(await Promise.all(
        [["get"], ["get", "mail"], ["get", "mail.password"], ["history"], ["show", "2"], ["diff", "1", "2"]].map(
          (args) => cs(...args),
        ),
      )),
    ];
    for (const output of outputs) {
      expect(output).toMatchObject({ stdout: expect.stringMatching(/./) });
      expect(output.stdout).not.toContain(secret);
    }
    expect(await cs("get", "mail.password", "--reveal")).toMatchObject({ stdout: `${secret}\n` });
  });

  test.each([
    [["set", "system.edition=x"], 1, /system.ini, which nothing here may write/],
    [["set", "gitea.http_port=many"], 1, /"gitea.http_port" is not a number/],
    [["set", "gitea.http_port"], 64, /has no value/],
    [["set", "gitea=1"], 64, /only a key can be set/],
    [["set", "a.b.c=1"], 64, /neither a section nor a key/],
    [["set", "mail.password", "--stdin", "more"], 64, /one key/],
    [["get", "gitea.nope"], 1, /no key/],
    [["get", "nope"], 1, /no section/],
    [["unset", "gitea.nope"], 1, /no key/],
    [["show", "99"], 1, /no revision 99/],
    [["show", "x"], 64, /whole number/],
    [["rollback", "99"], 1, /no revision 99/],
    [["diff", "1", "2", "3"], 64, /one revision or two/],
  ])("refuses %j, and changes nothing", async (args, code, message) => {
    const before = await workspace.read("config.ini");
    const refused = await cs(...args);
    expect(refused).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
    expect(await workspace.read("config.ini")).toBe(before);
  });
});

test("looking without a daemon writes nothing", async () => {
  const before = await readdir(workspace.folder);
  for (const args of [["get"], ["get", "gitea.http_port"], ["history"]])
    expect(await cs(...args)).toMatchObject({ code: 0, stderr: "" });
  expect(await cs("show", "1")).toMatchObject({ code: 1 });
  expect(await readdir(workspace.folder)).toEqual(before);
});

test("several commands at once, without a daemon, lose nothing", async () => {
  const names = Array.from({ length: 6 }, (_, index) => `k${index}`);
  const done = await Promise.all(names.map((name) => cs("set", `many.${name}=${name}`)));
  expect(done.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, ""]));
  const text = await workspace.read("config.ini");
  for (const name of names) expect(text).toContain(`${name} = ${name}\n`);
});

test("--wait says whether the services took it", async () => {
  daemon = workspace.startDaemon();
  await daemon.waitForLine(/demo-nginx.*healthy/);
  const { code, stdout } = await cs("set", "gitea.http_port=3001", "--wait");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/\nhealthy\nSERVICE .*\ndemo-gitea +healthy/s),
  });
  expect(await workspace.read("services/gitea/app.ini")).toContain("3001");
});

test("--wait without a daemon changes nothing", async () => {
  const before = await workspace.read("config.ini");
  const refused = await cs("set", "gitea.http_port=3001", "--wait");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("no daemon runs") });
  expect(await workspace.read("config.ini")).toBe(before);
});

test("a change without a daemon is applied when one starts", async () => {
  await cs("set", "gitea.http_port=3001");
  daemon = workspace.startDaemon();
  await daemon.waitForLine(/demo-gitea.*healthy on revision 2/);
  expect(await workspace.read("services/gitea/app.ini")).toContain("3001");
});
