/** Secrets at rest by the commands: with a daemon, without one, in files and in apps, and ended in the middle of a rotation. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import { createKeyText, isSealed, keyIdOf } from "../../src/config/encryption.ts";
import { formatPath } from "../../src/config/path.ts";
import { answerOffline } from "../../src/daemon/offline.ts";
import { readConfigIni } from "../../src/formats/ini/config-ini.ts";
import { openWorkspace } from "../../src/workspace.ts";
import { makeWorkspace, runCli, type Workspace } from "../support/workspace.ts";

const hook = new URL("support/step-hook.ts", import.meta.url).pathname;
const canaries = ["canary-one-4711", "canary-two-0815", "canary-three-42"] as const;
const [first, second, third] = canaries;

let workspace: Workspace;
afterEach(() => workspace.remove());

async function makeKept(): Promise<void> {
  workspace = await makeWorkspace({
    order: "",
    "config.ini": `# kept\n[a]\nvalue = 1\n\n[git]\nuser_pwd = \n`,
    "config-sync.yaml":
      "sources: [{ file: config.ini }]\nservices: [one]\nroots: [services]\nencryption: { key_file: keys }\n",
    "templates/one/service.yaml":
      "name: one\noutputs: [{ path: services/one.env, format: env:raw, template: one.hbs }]\nreload: [{ none: true }]\n",
    "templates/one/one.hbs": "VALUE={{a.value}}\n",
  });
}

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runCli([...args, "-w", workspace.folder], { env });

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout.trimEnd();
}

function written(): Map<string, string> {
  const fields = readConfigIni(readFileSync(workspace.at("config.ini"), "utf8"));
  return new Map(fields.map(({ path, value }) => [formatPath(path), value]));
}

const keyIds = () => [...readFileSync(workspace.at("keys"), "utf8").matchAll(/# ([0-9a-f]{8})/g)].map(([, id]) => id);

/** Every file of the workspace, and what git keeps compressed. */
function everything(): string {
  const folder = workspace.folder;
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name));
  const texts = names.flatMap((name) => (statSync(name).isFile() ? [`${name}\n${readFileSync(name, "latin1")}`] : []));
  return texts.join("\n") + objects();
}

function objects(): string {
  const history = workspace.at("state/history");
  if (!existsSync(path.join(history, "HEAD"))) return "";
  const args = ["-C", history, "cat-file", "--batch-all-objects", "--batch", "--buffer"];
  return execFileSync("git", args, { encoding: "latin1" });
}

function expectNoCanary(): void {
  const all = everything();
  expect(canaries.filter((canary) => all.includes(canary))).toEqual([]);
}

describe("with a daemon", () => {
  test("what is set, sealed and rotated opens, and its text stands nowhere", async () => {
    await makeKept();
    await done("secrets", "keygen");
    expect(statSync(workspace.at("keys")).mode & 0o777).toBe(0o600);
    await workspace.sed("$ a log: { level: debug }", "config-sync.yaml");
    const daemon = workspace.startDaemon();
    await daemon.waitForLine(/healthy/);

    await done("set", `git.user_pwd=${first}`, `git.token=${second}`, `git.api_key=${third}`);
    expect([...written()].filter(([, value]) => isSealed(value)).map(([key]) => key)).toEqual([
      "git.user_pwd",
      "git.token",
      "git.api_key",
    ]);
    expect(await done("set", `git.user_pwd=${first}`)).toBe("nothing is different");
    expect(await done("get", "git.user_pwd")).toBe("[secret]");
    expect(await done("secrets", "decrypt", "git.user_pwd")).toBe(first);

    const before = written();
    expect(await done("secrets", "rotate")).toMatch(/3 sealed/);
    const ids = keyIds();
    expect(ids).toHaveLength(2);
    for (const key of ["git.user_pwd", "git.token", "git.api_key"]) {
      expect(keyIdOf(before.get(key) ?? "")).toBe(ids[1]);
      expect(keyIdOf(written().get(key) ?? "")).toBe(ids[0]);
    }
    expect(JSON.parse(await done("get", "git", "--reveal", "--json"))).toEqual({
      ...{ user_pwd: first, token: second, api_key: third },
    });
    const { revisions } = JSON.parse(await done("history", "--json"));
    // As found, set, rotated.
    expect(revisions).toHaveLength(3);
    // The same values in other sealings are no difference, and go back to what they were.
    expect(await done("diff", "2", "3")).not.toContain("git.");
    await done("rollback", "2", "--section", "git");
    expect(keyIdOf(written().get("git.token") ?? "")).toBe(ids[0]);
    await done("rollback", "2");
    expect(keyIdOf(written().get("git.token") ?? "")).toBe(ids[1]);
    expect(await done("secrets", "decrypt", "git.token")).toBe(second);

    expect(daemon.lines.filter((line) => canaries.some((canary) => line.includes(canary)))).toEqual([]);
    await expect.poll(objects).toContain("user_pwd = enc:v1:");
    await daemon.stop();
    expectNoCanary();
  });
});

test("what stands in clear is sealed on request, as one revision", async () => {
  await makeKept();
  writeFileSync(workspace.at("config.ini"), `[a]\nvalue = 1\n[git]\n; whose\nuser_pwd = ${first}\ntoken: ${second}\n`);
  await done("secrets", "keygen");
  expect((await run(["secrets", "keygen"])).stderr).toMatch(/is there already/);
  expect(await done("secrets", "encrypt")).toBe("git.user_pwd\ngit.token\n2 sealed: revision 2");
  expect(readFileSync(workspace.at("config.ini"), "utf8")).not.toMatch(/canary/);
  expect(await done("secrets", "encrypt")).toBe("there was nothing to seal");
});

test("a value that cannot be opened keeps the last good ones, until it can", async () => {
  await makeKept();
  await done("secrets", "keygen");
  const daemon = workspace.startDaemon();
  await daemon.waitForLine(/healthy/);
  await done("set", `git.user_pwd=${first}`);
  const good = await workspace.read("config.ini");
  const at = daemon.lines.length;
  await workspace.saveByRename("config.ini", good.replace("value = 1", "value = 2").replace("user_pwd", "password"));
  await daemon.waitForLine(/git\.password .*sealed for another/, at);
  expect(await workspace.read("services/one.env")).toBe("VALUE=1\n");
  await workspace.saveByRename("config.ini", good.replace("value = 1", "value = 3"));
  await expect.poll(() => workspace.read("services/one.env")).toBe("VALUE=3\n");
  await daemon.stop();
});

test("keys can come from the environment: the one in front seals", async () => {
  await makeKept();
  await workspace.sed("s/key_file: keys/key_env: KEPT_KEYS/", "config-sync.yaml");
  const [old, next] = [await done("secrets", "keygen"), await done("secrets", "keygen")];
  await run(["set", `git.token=${first}`], { KEPT_KEYS: old });
  expect(isSealed(written().get("git.token") ?? "")).toBe(true);
  expect(await run(["get", "git.token", "--reveal"])).toMatchObject({ code: 1, stdout: "" });
  const rotated = await run(["secrets", "rotate"], { KEPT_KEYS: `${next} ${old}` });
  expect(rotated).toMatchObject({ code: 0, stdout: expect.stringContaining("1 sealed") });
  const decrypted = await run(["secrets", "decrypt", "git.token"], { KEPT_KEYS: next });
  expect(decrypted.stdout).toBe(`${first}\n`);
});

test("a secret is not written in clear where its key is missing", async () => {
  await makeKept();
  const before = await workspace.read("config.ini");
  const refused = await run(["set", `git.token=${first}`]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/keys: .* is not there.*secrets keygen/) });
  expect(refused.stderr).not.toContain(first);
  expect(await workspace.read("config.ini")).toBe(before);
  expect((await run(["set", "a.value=2"])).code).toBe(0);
});

// The first staging is that of the keys, the second that of config.ini.
test.each(["staged 1", "recorded 1"])(
  "a rotation that is killed at %s leaves everything open, and is done again",
  async (step) => {
    await makeKept();
    await done("secrets", "keygen");
    await done("set", `git.user_pwd=${first}`, `git.token=${second}`);
    writeFileSync(workspace.at("order"), step);
    const killed = await run(["secrets", "rotate"], {
      NODE_OPTIONS: `--import=${hook}`,
      FATAL_STEP: workspace.at("order"),
    });
    expect(killed.code).toBeNull();
    expect(await done("secrets", "decrypt", "git.user_pwd")).toBe(first);
    await done("secrets", "rotate");
    const [newest] = keyIds();
    expect([...written().values()].filter(isSealed).map(keyIdOf)).toEqual([newest, newest]);
    expect(await done("secrets", "decrypt", "git.token")).toBe(second);
    expectNoCanary();
  },
);

describe("apps", () => {
  const names = ["one", "three", "two"] as const;
  const tokens = { one: first, three: third, two: second };
  const socket = () => workspace.at("state/daemon.sock");

  async function makeApps(): Promise<void> {
    await makeKept();
    await done("secrets", "keygen");
    const daemon = workspace.startDaemon();
    await daemon.waitForLine(/healthy/);
    await done("set", `git.token=${first}`);
    for (const name of names) {
      const data = { login: { token: tokens[name] }, pin: [4711], n: 1 };
      const schema = { properties: { pin: { writeOnly: true } } };
      const made = { method: "POST", url: `/api/apps/${name}`, body: { data, schema } } as const;
      expect(await callDaemon(socket(), made)).toMatchObject({ status: 201 });
    }
    await daemon.stop();
  }

  /** By the files, as a daemon that starts now would. */
  async function expectAllOpen(): Promise<void> {
    for (const name of names) {
      const url = `/api/apps/${name}/config?reveal=true`;
      const { body } = await answerOffline(await openWorkspace(workspace.folder), { method: "GET", url });
      expect(body).toEqual({ login: { token: tokens[name] }, pin: [4711], n: 1 });
    }
  }

  test("are sealed in the history and opened by a daemon, each for itself", async () => {
    await makeApps();
    const daemon = workspace.startDaemon();
    await daemon.waitForLine(/watching/);
    const shown = await callDaemon(socket(), { method: "GET", url: "/api/apps/one/config?reveal=true" });
    expect(shown?.body).toEqual({ login: { token: first }, pin: [4711], n: 1 });
    expect(await done("secrets", "rotate")).toMatch(
      /^git\.token\n1 sealed: revision 3\none: login\.token\none: pin\n2 sealed in one: revision 2\nthree: .*in two: revision 2$/s,
    );
    await expect.poll(objects).toContain('"token": "enc:v1:');
    await daemon.stop();
    await expectAllOpen();
    expect(await done("secrets", "decrypt", "login.token", "--app", "two")).toBe(second);
    expect(await done("secrets", "decrypt", "pin", "--app", "two")).toBe("[4711]");
    expectNoCanary();
  });

  test("that cannot be opened are named by doctor", async () => {
    await makeApps();
    expect((await run(["doctor"])).stdout).toMatch(/^ok +apps: 3; all sealed values open$/m);
    writeFileSync(workspace.at("keys"), createKeyText());
    const { code, stdout } = await run(["doctor"]);
    expect(code).toBe(1);
    for (const name of names)
      expect(stdout).toMatch(new RegExp(`apps: the app "${name}" cannot be read: login.token is`));
  });

  // The apps in their order are default, one, three, two.
  test.each(["recorded 1", "recorded 3"])(
    "a rotation that is killed at %s leaves all of them open, and is finished by another one",
    async (step) => {
      await makeApps();
      writeFileSync(workspace.at("order"), step);
      const killed = await run(["secrets", "rotate"], {
        NODE_OPTIONS: `--import=${hook}`,
        FATAL_STEP: workspace.at("order"),
      });
      expect(killed.code).toBeNull();
      writeFileSync(workspace.at("order"), "");
      await expectAllOpen();
      const [current, ...older] = keyIds();
      await done("secrets", "rotate");
      await expectAllOpen();
      expect([current, ...older]).toHaveLength(2);
      // With the newest key alone: nothing that is in force needs another one.
      const [line = ""] = readFileSync(workspace.at("keys"), "utf8").split("\n");
      writeFileSync(workspace.at("keys"), line);
      await expectAllOpen();
      expectNoCanary();
    },
  );
});
