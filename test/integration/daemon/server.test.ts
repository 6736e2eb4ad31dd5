import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKeyText } from "../../../src/config/encryption.ts";
import { endServer, startServer } from "../../support/server.ts";

/** `config-sync server` as a process, with clients that are not ours: curl, and Python's urllib. */

const run = promisify(execFile);
const key = "a-key-for-tests-only";

let folder: string;
let running: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-sync-server-"));
  running = [];
});

afterEach(async () => {
  for (const child of running) await endServer(child, "SIGKILL");
  await rm(folder, { recursive: true });
});

const start = (args: readonly string[], env: Record<string, string> = { CONFIG_SYNC_API_KEY: key }) =>
  startServer(folder, args, env, running);

/** Of the answers, what the tests look into. */
interface Body {
  readonly value: unknown;
  readonly versions: readonly { readonly author: string; readonly message: string }[];
  readonly data: { readonly server: { readonly port: unknown } };
}

async function curl(...args: string[]): Promise<{ readonly status: number; readonly body: Body }> {
  const { stdout } = await run("curl", [
    "-sS",
    "--max-time",
    "10",
    "-w",
    "\n%{http_code}",
    "-H",
    `x-api-key: ${key}`,
    ...args,
  ]);
  const cut = stdout.lastIndexOf("\n");
  const body = stdout.slice(0, cut);
  return { status: Number(stdout.slice(cut + 1)), body: body === "" ? undefined : JSON.parse(body) };
}

const json = ["-H", "content-type: application/json"];
const put = (url: string, body: unknown) => curl("-X", "PUT", ...json, "-d", JSON.stringify(body), url);
const post = (url: string, body: unknown) => curl("-X", "POST", ...json, "-d", JSON.stringify(body), url);

describe.each([
  ["app.yaml", "# kept\nserver:\n  port: 80 # old\n  user_pwd: hunter2\n"],
  ["app.json", '{\n  // kept\n  "server": {"port": 80, "user_pwd": "hunter2"}\n}\n'],
  ["app.toml", '# kept\n[server]\nport = 80 # old\nuser_pwd = "hunter2"\n'],
  ["app.ini", "# kept\n[server]\nport = 80\nuser_pwd = hunter2\n"],
])("on %s", (name, text) => {
  test("a change goes into the file and keeps the rest of it, and an edit by hand is taken up", async () => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    const { at } = await start(["--config", file]);
    const config = `${at}/api/apps/default/config`;
    const isIni = name.endsWith("ini");
    expect((await curl(config)).body).toEqual({ server: { port: isIni ? "80" : 80, user_pwd: "[secret]" } });
    const written = await put(`${config}/server/port`, { value: 81 });
    expect(written).toMatchObject({ status: 200, body: { value: isIni ? "81" : 81, revision: { number: 2 } } });
    expect(await readFile(file, "utf8")).toBe(text.replace("80", "81"));
    await writeFile(file, text.replace("80", "82"));
    await expect.poll(async () => (await curl(`${config}/server.port`)).body.value).toBe(isIni ? "82" : 82);
    const { versions } = (await curl(`${at}/configs/default/versions`)).body;
    expect(versions.map((one) => [one.author, one.message])).toEqual([
      ["file", "edited in the file: server.port"],
      ["api_key", "set server.port"],
      ["file", "as it was found"],
    ]);
    expect((await curl(`${at}/configs/default?version=2`)).body.data.server.port).toBe(isIni ? "81" : 81);
  });
});

describe("a server", () => {
  test("without a file begins with an empty app, and has after a kill all that it answered for", async () => {
    const first = await start([]);
    expect(first.apps).toBe(1);
    const written: Record<string, number> = {};
    expect(await post(`${first.at}/api/apps/shop`, {})).toMatchObject({ status: 201 });
    const writers = Array.from({ length: 20 }, async (_, index) => {
      const answer = await put(`${first.at}/api/apps/shop/config/n${index}`, { value: index });
      if (answer.status === 200) written[`n${index}`] = index;
      if (index === 12) first.child.kill("SIGKILL");
    });
    await Promise.allSettled(writers);
    await endServer(first.child, "SIGKILL");
    const second = await start([]);
    const { body } = await curl(`${second.at}/api/apps/shop/config`);
    expect(Object.keys(written).length).toBeGreaterThan(0);
    expect(body).toMatchObject(written);
    expect((await curl(`${second.at}/health`)).body).toEqual({ status: "ok", apps: 2 });
    expect(await endServer(second.child, "SIGTERM")).toBe(0);
  });

  test("refuses what it does not have in words, and every change where it only reads", async () => {
    const file = path.join(folder, "app.yaml");
    await writeFile(file, "a: 1\n");
    const { at } = await start(["--config", file, "--read-only"]);
    expect(await put(`${at}/api/apps/default/config/a`, { value: 2 })).toMatchObject({
      status: 403,
      body: { code: "READ_ONLY" },
    });
    expect(await curl("-X", "DELETE", `${at}/api/apps/default`)).toMatchObject({ status: 403 });
    const apply = await curl("-X", "POST", `${at}/api/v1/apply`);
    expect(apply).toMatchObject({ status: 404 });
    expect((await curl(`${at}/api/v1/services`)).body).toEqual({ services: [] });
    expect((await curl(`${at}/ready`)).body).toEqual({ ready: true });
    expect(await readFile(file, "utf8")).toBe("a: 1\n");
  });

  test("keeps the last good values of a file that is broken by hand, says so once, and goes on when it is whole", async () => {
    const file = path.join(folder, "app.yaml");
    await writeFile(file, "port: 80\n");
    const { at, errors } = await start(["--config", file]);
    const schema = { properties: { port: { type: "integer" } } };
    expect((await put(`${at}/configs/default`, { data: { port: 81 }, schema })).status).toBe(200);
    await appendFile(file, "list: [\n");
    await expect.poll(() => errors.join("")).toContain("app.yaml:");
    expect((await curl(`${at}/api/apps/default/config`)).body).toEqual({ port: 81 });
    expect(await put(`${at}/api/apps/default/config/port`, { value: 82 })).toMatchObject({ status: 422 });
    await writeFile(file, "port: many\n");
    await expect.poll(() => errors.join("")).toContain("port is not of the type integer");
    await writeFile(file, "port: 83\n");
    await expect.poll(async () => (await curl(`${at}/api/apps/default/config/port`)).body.value).toBe(83);
  });

  test("with keys seals secrets in the file and in its revisions, and nothing that it keeps shows them", async () => {
    const file = path.join(folder, "app.yaml");
    const keys = path.join(folder, "keys");
    await writeFile(file, "# kept\nuser_pwd: canary-old # by hand\nport: 80\n");
    await writeFile(keys, `${createKeyText()}\n`, { mode: 0o600 });
    const { at, child } = await start(["--config", file, "--key-file", keys]);
    const config = `${at}/api/apps/default/config`;
    const text = () => readFile(file, "utf8");
    expect(await post(`${at}/api/v1/seal`, { which: "clear" })).toMatchObject({
      body: { apps: [{ app: "default", keys: ["user_pwd"] }] },
    });
    expect(await text()).toMatch(/^# kept\nuser_pwd: "?enc:v1:\S+ # by hand\nport: 80\n$/);
    expect((await curl(`${config}/user_pwd?reveal=true`)).body.value).toBe("canary-old");
    const sealed = (await text()).split("\n")[1];
    await put(config, { user_pwd: "[secret]", port: 81, api_key: "canary-new" });
    expect((await text()).split("\n")[1]).toBe(sealed);
    await post(`${at}/api/apps/shop`, { data: { token: ["canary-shop"] } });
    await writeFile(file, (await text()).replace("81", "82"));
    await expect.poll(async () => (await curl(`${config}/port`)).body.value).toBe(82);
    const [first] = (await curl(`${at}/configs/default/versions`)).body.versions;
    expect(first?.message).toBe("edited in the file: port");
    // Another key in front: a new server has it, and the old one still opens.
    expect(await endServer(child, "SIGTERM")).toBe(0);
    const held = (await readFile(keys, "utf8")).trim();
    const next = await start(["--config", file], {
      CONFIG_SYNC_API_KEY: key,
      CONFIG_SYNC_ENCRYPTION_KEY: `${createKeyText()},${held}`,
    });
    expect((await post(`${next.at}/api/v1/seal`, { which: "old" })).body).toMatchObject({
      apps: [
        { app: "default", keys: ["user_pwd", "api_key"] },
        { app: "shop", keys: ["token"] },
      ],
    });
    expect((await curl(`${next.at}/api/apps/shop/config?reveal=true`)).body).toEqual({ token: ["canary-shop"] });
    expect(await text()).not.toContain("canary");
    expect(await endServer(next.child, "SIGTERM")).toBe(0);
    const state = path.join(folder, ".config-sync/app.yaml");
    const { stdout: objects } = await run("git", [
      ...["-C", path.join(state, "history"), "cat-file", "--batch-all-objects", "--batch"],
    ]);
    expect(objects).toContain("enc:v1:");
    expect(objects.match(/canary-(new|shop)/)).toBeNull();
    const { stdout: files } = await run("grep", ["-rlE", "canary-(new|shop)", state]).catch((error) => error);
    expect(files).toBe("");
  });

  test("that cannot open a value of its file says which, and does not start", async () => {
    const file = path.join(folder, "app.yaml");
    const keys = path.join(folder, "keys");
    await writeFile(file, "db:\n  user_pwd: enc:v1:01234567:AAAA\n");
    await writeFile(keys, `${createKeyText()}\n`, { mode: 0o600 });
    for (const args of [[], ["--key-file", keys]])
      await expect(start(["--config", file, ...args])).rejects.toThrow(/app.yaml.*SOURCE_INVALID|SOURCE_INVALID/);
    await expect(start(["--key-file", `${keys}-none`])).rejects.toThrow(/KEY_UNUSABLE/);
  });

  test("has its state to itself", async () => {
    await start([]);
    await expect(start([])).rejects.toThrow("another config-sync server keeps its state in");
  });

  test.each([
    [["--config", "none.yaml"], "none.yaml"],
    [["--config", "app.xml"], "there is no format for"],
    [["--api-key", "short"], "shorter than 16 characters"],
    [["--port", "x"], "is not a port"],
  ])("does not begin with %j, and says why", async (args, words) => {
    await expect(start(args)).rejects.toThrow(words);
  });

  test("shows the key of the first admin once, where none is given", async () => {
    const first = await start([], { CONFIG_SYNC_API_KEY: "" });
    expect((await curl("-H", `x-api-key: ${first.adminKey}`, `${first.at}/api/apps`)).status).toBe(401);
    const { stdout } = await run("curl", ["-sS", "-H", `x-api-key: ${first.adminKey}`, `${first.at}/api/apps`]);
    expect(JSON.parse(stdout)).toEqual({ apps: ["default"] });
    await endServer(first.child, "SIGTERM");
    expect((await start([], { CONFIG_SYNC_API_KEY: "" })).adminKey).toBeUndefined();
  });
});

const client = `
import json, sys, urllib.error, urllib.request
at, key = sys.argv[1:]
def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"x-api-key": key, **({} if data is None else {"content-type": "application/json"})}
    request = urllib.request.Request(at + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
out = []
for step in json.load(sys.stdin):
    out.append(ask(*step))
print(json.dumps(out))
`;

async function python(at: string, steps: readonly unknown[]): Promise<[number, unknown][]> {
  const child = spawn("python3", ["-c", client, at, key], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(steps));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(child, "close");
  return JSON.parse(text);
}

describe("Python's urllib", () => {
  test("makes, reads, merges, replaces and removes an app", async () => {
    const { at } = await start([]);
    const answers = await python(at, [
      ["POST", "/api/apps/shop", { data: { web: { port: 80 } } }],
      ["POST", "/api/apps/shop/config", { web: { host: "ä" }, list: [1, null] }],
      ["GET", "/api/apps/shop/config"],
      ["PUT", "/api/apps/shop/config/web.port", { value: 81 }],
      ["DELETE", "/api/apps/shop/config/list"],
      ["POST", "/api/apps/shop/validate", { any: 1 }],
      ["POST", "/api/apps/shop/reload"],
      ["PUT", "/configs/shop", { data: { n: 1 } }],
      ["GET", "/configs/shop?version=1"],
      ["DELETE", "/api/apps/shop"],
      ["GET", "/api/apps/shop/config"],
      ["GET", "/api/apps"],
    ]);
    expect(answers.map(([status]) => status)).toEqual([201, 200, 200, 200, 200, 200, 200, 200, 200, 204, 404, 200]);
    expect(answers[2]?.[1]).toEqual({ web: { port: 80, host: "ä" }, list: [1, null] });
    expect(answers[8]?.[1]).toMatchObject({ version: 1, data: { web: { port: 80 } } });
    expect(answers[11]?.[1]).toEqual({ apps: ["default"] });
  });

  test("reaches no other app by tricks of the path", async () => {
    const { at } = await start([]);
    const secret = "of-the-other";
    await post(`${at}/api/apps/other`, { data: { a: secret } });
    await post(`${at}/api/apps/mine`, { data: { b: 1 } });
    const tricks = [
      "/api/apps/mine/../other/config",
      "/api/apps/mine%2f..%2fother/config",
      "/api/apps/mine/config/../../other/config",
      "/api/apps/mine/config/..%2f..%2fother%2fconfig",
      "/api/apps/mine/config/__proto__",
      "/api/apps/mine/config/constructor.prototype",
      "/api/apps/Other/config",
      "/api/apps/other%00/config",
      "/api/apps/./other/config?app=mine",
      "/configs/mine%2f..%2fother",
      "/configs/..%2fapps%2fother",
    ];
    const answers = await python(
      at,
      tricks.map((trick) => ["GET", trick]),
    );
    for (const [index, [status, body]] of answers.entries()) {
      expect(status, tricks[index]).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(body), tricks[index]).not.toContain(secret);
    }
  });
});
