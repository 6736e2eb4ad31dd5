import { execFileSync, spawnSync } from "node:child_process";
import { chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { makeWorkspace, runCli, type Workspace, waitForFile } from "../support/workspace.ts";
import { makeMinimal, outputs } from "./minimal.ts";

const workspaces: Workspace[] = [];
afterEach(async () => {
  await Promise.all(workspaces.splice(0).map(({ remove }) => remove()));
});

function keep(workspace: Workspace): Workspace {
  workspaces.push(workspace);
  return workspace;
}

const minimal = async (files?: Readonly<Record<string, string>>) => keep(await makeMinimal(files));

/** Every file with what could have changed about it. */
async function listing(folder: string): Promise<Record<string, unknown>> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const rows = names.map(async (name) => {
    const stats = await lstat(path.join(folder, name));
    const content = stats.isFile() ? await readFile(path.join(folder, name), "base64") : "";
    return [name, [stats.mode, stats.ino, stats.mtimeMs, content]] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** The table without its times. */
function tableOf(stdout: string): string {
  return stdout.slice(stdout.indexOf("SERVICE"));
}

describe("init", () => {
  test("minimal is a workspace that validates, plans and applies without any server, and no other user reads its passwords", async () => {
    const { folder, at } = keep(await makeWorkspace({}));
    const made = await runCli(["init", "--json", at("new/stack")], { cwd: folder });
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(made.stdout)).toMatchObject({
      folder: at("new/stack"),
      made: expect.arrayContaining(["config.ini", "templates/demo-app/", "config-sync.yaml"]),
    });
    expect((await lstat(at("new/stack/config.ini"))).mode & 0o777).toBe(0o640);
    const here = { cwd: at("new/stack") };
    expect(await runCli(["validate"], here)).toEqual({ code: 0, stdout: "0 errors, 0 warnings\n", stderr: "" });
    expect(await runCli(["plan"], here)).toMatchObject({ code: 2, stderr: "" });
    expect(await runCli(["apply"], here)).toMatchObject({ code: 0, stderr: "" });
    expect(await runCli(["plan"], { env: { CONFIG_SYNC_WORKSPACE: at("new/stack") } })).toEqual({
      code: 0,
      stdout: "3 services: 0 to change, 3 up to date\n",
      stderr: "",
    });
    expect(await runCli(["doctor"], here)).toMatchObject({ code: 0, stdout: expect.not.stringContaining("warning") });
  });

  test("websoft9 validates and plans without any server", async () => {
    const { at } = keep(await makeWorkspace({}));
    expect(await runCli(["init", at("w"), "--preset", "websoft9"])).toMatchObject({ code: 0 });
    expect(await runCli(["validate", "-w", at("w")])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("0 errors"),
    });
    const { code, stderr } = await runCli(["plan", "-w", at("w")]);
    expect([0, 2]).toContain(code);
    expect(stderr).toBe("");
  });

  test("overwrites nothing", async () => {
    const { folder, read } = keep(
      await makeWorkspace({ "config.ini": "[mine]\na = b\n", "templates/demo-app/mine": "x" }),
    );
    const { stdout } = await runCli(["init", folder]);
    expect(stdout).not.toMatch(/config\.ini|demo-app/);
    expect(await read("config.ini")).toBe("[mine]\na = b\n");
    const before = await listing(folder);
    expect(await runCli(["init", folder])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is a workspace already"),
    });
    expect(await listing(folder)).toEqual(before);
  });
});

describe("looking", () => {
  test("writes nothing at all: not in the workspace, not in the state, before and after an apply", async () => {
    const workspace = await minimal();
    const looks = [["plan"], ["status"], ["validate"], ["explain", "app.port"]];
    const untouched = async () => {
      const before = await listing(workspace.folder);
      await Promise.all(looks.map((args) => runCli([...args, "-w", workspace.folder])));
      expect(await listing(workspace.folder)).toEqual(before);
    };
    await untouched();
    await runCli(["apply", "-w", workspace.folder]);
    await workspace.sed("s/8088/8090/", "config.ini");
    await untouched();
  });

  test("plan shows a diff, the reload and the reason, for people and for programs", async () => {
    const workspace = await minimal();
    await runCli(["apply", "-w", workspace.folder]);
    await workspace.sed("s/8088/8090/", "config.ini");
    await chmod(workspace.at("services/app/.env"), 0o600);
    const { code, stdout } = await runCli(["plan", "-w", workspace.folder]);
    expect(code).toBe(2);
    expect(stdout).toBe(`demo-app  somebody else changed the file
  ~ services/app/.env
      mode 0600 → 0640
  no reload

demo-nginx  gateway.port changed
  ~ services/nginx/site.conf
      @@ line 1 @@
        server {
      -     listen 8088;
      +     listen 8090;
            server_name shop.example.com;
            location / {
      @@ line 7 @@
        }
        server {
      -     listen 8088;
      +     listen 8090;
            server_name git.example.com;
            location / {
  no reload

3 services: 2 to change, 1 up to date
`);
    const json = JSON.parse((await runCli(["plan", "--json", "-w", workspace.folder])).stdout);
    expect(json.services).toMatchObject([
      { name: "demo-gitea", verdict: "current" },
      { name: "demo-app", verdict: "apply" },
      {
        name: "demo-nginx",
        verdict: "apply",
        why: "gateway.port changed",
        reload: null,
        outputs: [{ action: "update" }],
      },
    ]);
  });

  test("says no to what apply would refuse: a file outside the roots", async () => {
    const workspace = await minimal();
    await workspace.sed("s/^roots:.*/roots: [elsewhere]/", "config-sync.yaml");
    const { code, stdout } = await runCli(["plan", "-w", workspace.folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^demo-app {2}.*services\/app\/\.env lies outside the allowed folders/m);
    expect(stdout).toMatch(/0 to change, 0 up to date, 3 held back\n$/);
    const found = await runCli(["validate", "-w", workspace.folder]);
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(/^error demo-app: .*services\/app\/\.env lies outside the allowed folders/m);
  });

  test("may be left by its reader before the end", async () => {
    const keys = Array.from({ length: 5000 }, (_, index) => `key${index} = ${"x".repeat(50)}\n`).join("");
    const workspace = await minimal();
    await workspace.saveByRename("config.ini", `${await workspace.read("config.ini")}\n[big]\n${keys}`);
    const main = path.join(import.meta.dirname, "../../src/main.ts");
    const explain = `'${process.execPath}' '${main}' explain big -w '${workspace.folder}'`;
    const { stderr } = spawnSync("sh", ["-c", `{ ${explain}; echo "exit $?" >&2; } | head -1`], { encoding: "utf8" });
    expect(stderr).toBe("exit 0\n");
  });

  test("colours are for terminals only, and can be refused", async () => {
    const { folder } = await minimal();
    const main = path.join(import.meta.dirname, "../../src/main.ts");
    const variables = Object.entries(process.env).filter(([name]) => !["NO_COLOR", "FORCE_COLOR", "CI"].includes(name));
    const env = { ...Object.fromEntries(variables), TERM: "xterm-256color" };
    // `script` gives the command a terminal.
    const onTerminal = (args: string, more: NodeJS.ProcessEnv = {}) =>
      execFileSync("script", ["-qc", `'${process.execPath}' '${main}' ${args} -w '${folder}'; true`, "/dev/null"], {
        env: { ...env, ...more },
        encoding: "utf8",
      });
    expect(onTerminal("plan")).toMatch(/\x1b\[32m\+ APP_NAME/);
    expect(onTerminal("plan --no-color")).not.toContain("\x1b");
    expect(onTerminal("plan", { NO_COLOR: "1" })).not.toContain("\x1b");
    expect(onTerminal("explain nope --no-color")).not.toContain("\x1b");
    expect(execFileSync(process.execPath, [main, "status", "-w", folder], { env, encoding: "utf8" })).not.toContain(
      "\x1b",
    );
  });

  test("explain tells the winner, the losers and the users; not secrets; and helps with names", async () => {
    const workspace = await minimal();
    await workspace.sed("s/^# \\[app\\]/[app]/; s/^# debug/debug/; $a [log.console]\\nlevel = info", "system.ini");
    const explain = (key: string, ...more: string[]) => runCli(["explain", key, "-w", workspace.folder, ...more]);
    expect(await explain("app.debug")).toMatchObject({
      code: 0,
      stdout: `app.debug = false
  won  system.ini:5:9: false
  lost config.ini:25:9: false
  used by demo-app: services/app/settings.json
`,
    });
    expect((await explain("app.db_password")).stdout).toMatch(/^app.db_password = \[secret\]\n/);
    expect((await explain("[log.console].level")).stdout).toMatch(
      /^\[log.console\].level = info\n.*\n {2}used by no output\n$/,
    );
    expect((await explain("[app].[port]")).stdout).toMatch(/^app.port = 8080\n/);
    expect(JSON.parse((await explain("mail", "--json")).stdout).map(({ key }: { key: string }) => key)).toEqual([
      "mail.host",
      "mail.from",
      "mail.password",
    ]);
    expect(await explain("app.prot")).toMatchObject({
      code: 1,
      stderr: "error: no source has a key app.prot. Did you mean app.port?\n",
    });
  });

  test.each<[what: string, break_: (workspace: Workspace) => Promise<unknown>, finding: RegExp, code: number]>([
    ["a key twice", (w) => w.sed("$a port = 1", "config.ini"), /^error config.ini:32:1?: ?.*line 31/m, 1],
    [
      "a raw value",
      (w) => w.sed("s/{{app.domain}}/{{{app.domain}}}/", "templates/demo-nginx/site.conf.hbs"),
      /^warning \S*site.conf.hbs:3:\d+: /m,
      0,
    ],
    [
      "a key without effect",
      (w) => w.sed("s/^# \\[app\\]/[app]/; s/^# debug/debug/", "system.ini"),
      /^warning config.ini:25:9: app.debug has no effect: system.ini/m,
      0,
    ],
    ["a missing value", (w) => w.sed("/^domain = git/d", "config.ini"), /^error demo-gitea: .*gitea.domain/m, 1],
    ["a value that is no number", (w) => w.sed("s/8088/often/", "config.ini"), /^error demo-nginx: .*gateway.port/m, 1],
    [
      "a bad manifest",
      (w) => w.sed("s/^outputs/outptus/", "templates/demo-app/service.yaml"),
      /^error \S*service.yaml:1:1: outputs is missing\n {2}4:1: .*"outptus". Did you mean outputs/m,
      1,
    ],
    ["a bad template", (w) => w.sed("1i {{#if}}", "templates/demo-app/env.hbs"), /^error \S*env.hbs/m, 1],
    [
      "a service that is not there",
      (w) => w.sed("s/^services: .*/services: [nope]/", "config-sync.yaml"),
      /^error \S*nope\/service.yaml: .*Check the names/m,
      1,
    ],
  ])("validate finds %s", async (_, break_, finding, code) => {
    const workspace = await minimal();
    await break_(workspace);
    const found = await runCli(["validate", "-w", workspace.folder]);
    expect(found.stdout).toMatch(finding);
    expect(found).toMatchObject({ code, stderr: "", stdout: expect.stringMatching(/\n\d errors?, \d warnings?\n$/) });
  });
});

describe("apply", () => {
  test("comes to the same end with a daemon and without, and status agrees", async () => {
    const [alone, served] = [await minimal(), await minimal()];
    const daemon = served.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/demo-nginx +healthy/);
    await runCli(["apply", "-w", alone.folder]);
    for (const workspace of [alone, served]) {
      await rm(workspace.at("services/nginx/site.conf"));
      await workspace.saveInPlace("services/app/.env", "# mine\nOTHER=1\n");
    }
    const [one, other] = await Promise.all([alone, served].map(({ folder }) => runCli(["apply", "-w", folder])));
    expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(other).toMatchObject({ code: 0, stderr: "" });
    expect(one?.stdout).toMatch(/^demo-app {7}writing services\/app\/.env \(somebody else/m);
    // It watches its outputs, and may have been quicker than the command.
    await daemon.waitForLine(/demo-app +writing services\/app\/.env \(somebody else/);
    expect(tableOf(other?.stdout ?? "")).toBe(tableOf(one?.stdout ?? ""));
    for (const file of outputs) expect(await served.read(file)).toBe(await alone.read(file));

    const asked = JSON.parse((await runCli(["status", "--json", "-w", served.folder])).stdout);
    await daemon.stop();
    const found = JSON.parse((await runCli(["status", "--json", "-w", served.folder])).stdout);
    expect(asked.daemon).toMatchObject({ pid: daemon.pid, version: expect.any(String) });
    expect(found).toEqual({ ...asked, daemon: null });
  });

  test("says what is wrong with the sources, also where the daemon has told it before", async () => {
    const workspace = await minimal();
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/demo-nginx +healthy/);
    await workspace.saveByRename("config.ini", `${await workspace.read("config.ini")}rubbish\n`);
    await daemon.waitForLine(/last good values stay/);
    const { code, stdout } = await runCli(["apply", "-w", workspace.folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^config\.ini:\d+.*\nThe last good values stay in force until this is mended\.\n\nSERVICE/);
    await daemon.stop();
  });

  test("--json is one event a line, then the status; what is refused makes it 1, and the rest is done", async () => {
    const workspace = await minimal();
    await workspace.sed("s/^debug = .*/debug = perhaps/", "config.ini");
    const { code, stdout, stderr } = await runCli(["apply", "--json", "-w", workspace.folder]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(["revision", "service", "status"]));
    expect(events).toContainEqual(
      expect.objectContaining({ service: "demo-app", step: "refused", text: expect.stringContaining("app.debug") }),
    );
    expect(events.at(-1)).toMatchObject({
      type: "status",
      services: [
        { name: "demo-gitea", state: "healthy" },
        { name: "demo-app", state: "refused" },
        { name: "demo-nginx", state: "healthy" },
      ],
    });
    expect(await runCli(["plan", "-w", workspace.folder])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("1 held back"),
    });
  });

  test("reload knows its services", async () => {
    const { folder } = await minimal();
    expect(await runCli(["reload", "demo-app", "-w", folder])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^demo-app +healthy/m),
    });
    expect(await runCli(["reload", "demo-ap", "-w", folder])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no service "demo-ap" here.*demo-gitea, demo-app, demo-nginx/),
    });
  });
});

describe("wait", () => {
  const wait = ({ folder }: Workspace, ...args: string[]) => runCli(["wait", "-w", folder, ...args]);

  test("without a daemon is over when its time is", async () => {
    const workspace = await minimal();
    expect(await wait(workspace, "--timeout", "200ms")).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: not ready in time: no daemon answers on this workspace\n",
    });
    expect(await wait(workspace, "--timeout", "soon")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("Write 30s or 2m"),
    });
  });

  test("is ready with the daemon, with a service, with all, and says which one is not", async () => {
    const workspace = await minimal();
    const waiting = wait(workspace, "--json"); // before there is a daemon
    const daemon = workspace.startDaemon();
    expect(await waiting).toEqual({ code: 0, stdout: '{"ready":true}\n', stderr: "" });
    expect(await wait(workspace, "demo-nginx")).toMatchObject({ code: 0 });
    expect(await wait(workspace, "--all")).toMatchObject({ code: 0 });
    expect(await wait(workspace, "nope")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("demo-gitea, demo-app, demo-nginx"),
    });
    await workspace.sed("s/^debug = .*/debug = perhaps/", "config.ini");
    await daemon.waitForLine(/refused/);
    expect(await wait(workspace, "demo-nginx", "--timeout", "300ms")).toMatchObject({ code: 0 });
    expect(await wait(workspace, "--all", "--timeout", "300ms")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: not ready in time: demo-app is refused: .*app.debug/),
    });
    expect(await daemon.stop()).toBe(0);
  });
});

test("the presets come with a schema that their values keep to, and that refuses others with their line", async () => {
  for (const preset of ["minimal", "websoft9"]) {
    const workspace = keep(await makeWorkspace({}));
    const folder = workspace.at(preset);
    await runCli(["init", folder, "--preset", preset]);
    await workspace.sed("s/^\\[gitea\\]$/[gitea]\\nhttp_port = many/; /^http_port = [0-9]/d", `${preset}/config.ini`);
    const { code, stdout } = await runCli(["validate", "-w", folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^error config\.ini:\d+:\d+: gitea\.http_port is not a port/m);
  }
});

test("what a manifest calls secret is secret in every command", async () => {
  const workspace = await minimal();
  await workspace.sed("$ a secrets: [app.title]", "templates/demo-app/service.yaml");
  await workspace.sed("s/^title = .*/title = CANARY-title/", "config.ini");
  for (const args of [["get", "app"], ["explain", "app.title"], ["plan"], ["apply"], ["history"]]) {
    const { stdout, stderr } = await runCli([...args, "-w", workspace.folder]);
    expect(stdout + stderr).not.toContain("CANARY");
  }
  expect((await runCli(["get", "app.title", "-w", workspace.folder])).stdout).toBe("[secret]\n");
  expect(await workspace.read("services/app/settings.json")).toContain("CANARY-title");
});

test("doctor: what is missing or open to everybody has a line that says how to mend it", async () => {
  const workspace = await minimal({
    "templates/box/service.yaml":
      "name: box\noutputs: [{ path: services/box, format: text, template: t.hbs }]\nreload: [{ docker: { container: box, action: restart } }]\n",
    "templates/box/t.hbs": "x\n",
    "templates/prog/service.yaml":
      "name: prog\noutputs: [{ path: services/prog, format: text, template: t.hbs }]\nreload: [{ supervisord: { program: prog, action: restart } }]\n",
    "templates/prog/t.hbs": "x\n",
  });
  await workspace.sed(
    "s/^services: .*/services: [demo-app, box, prog]/; s|^roots: .*|roots: [services, /nowhere/at/all]|; $a docker: { host: 'unix:///nowhere/docker.sock' }\\nsupervisord: { url: 'unix:///nowhere/supervisor.sock' }",
    "config-sync.yaml",
  );
  await chmod(workspace.at("config.ini"), 0o644);
  const { code, stdout } = await runCli(["doctor", "--json", "-w", workspace.folder]);
  expect(code).toBe(1);
  const found: { about: string; state: string; text: string; mend?: string }[] = JSON.parse(stdout).checks;
  const wrong = found.filter(({ state }) => state !== "ok");
  expect(wrong.map(({ about, state }) => [state, about])).toEqual([
    ["warning", "config.ini"],
    ["failure", "root"],
    ["failure", "Docker"],
    ["failure", "supervisord"],
  ]);
  expect(wrong.filter(({ mend }) => mend === undefined)).toEqual([]);
  const shown = await runCli(["doctor", "-w", workspace.folder]);
  expect(shown.stdout).toContain(
    `warning  config.ini: holds secrets, and every user of this machine may read it\n         → chmod o-r ${workspace.at("config.ini")}\n`,
  );
});

describe("secrets", () => {
  const foreign = {
    "services/gitea/app.ini": `APP_NAME = old
; previous: SECRET_KEY = CANARY-comment
[security]
INTERNAL_TOKEN = CANARY-token
SECRET_KEY     = CANARY-key ; SECRET_KEY = CANARY-inline
[server]
HTTP_PORT = 1
LFS_JWT_SECRET = \`CANARY-lfs\`
[mailer]
# PASSWD = CANARY-old-comment
PASSWD = CANARY-old
[service]
`,
    "services/app/.env": `APP_PORT=1
# DB_PASSWORD=CANARY-env-comment
DB_PASSWORD="CANARY-env"
export API_TOKEN='CANARY-env-token'
`,
    "services/app/settings.json": `{"title": "x", "database": {"password": "CANARY-json"}, "apiKey": "CANARY-api"}\n`,
    "services/nginx/site.conf": `server {
  # password CANARY-nginx-comment
  proxy_set_header Authorization "Bearer CANARY-nginx";
  proxy_set_header X-Api-Key CANARY-header;
  set $db_password CANARY-set;
}
`,
    "templates/leaky/service.yaml": `name: leaky
outputs: [{ path: services/leaky.conf, format: nginx, template: leaky.hbs, mode: "0600", check: ["cat", "{{staged}}"] }]
reload: [{ command: { argv: ["sh", "-c", "echo $P said; echo $P >&2; exit 1"], env: { P: "{{app.db_password}}" } } }]
`,
    "templates/leaky/leaky.hbs": "set $x {{app.db_password}};\n",
  };

  async function withCanaries(): Promise<Workspace> {
    const workspace = await minimal(foreign);
    await workspace.sed(
      "s/^password = .*/password = CANARY-mail-value/; s/^db_password = .*/db_password = CANARY-db-value/; $a # token = CANARY-ini-comment",
      "config.ini",
    );
    await workspace.sed(
      "s/^services: .*/services: [demo-gitea, demo-app, demo-nginx, leaky]/; $a log: { level: debug }",
      "config-sync.yaml",
    );
    return workspace;
  }

  const commands = [
    ["plan"],
    ["plan", "--json"],
    ["validate"],
    ["status"],
    ["status", "--json"],
    ["explain", "app"],
    ["explain", "mail", "--json"],
    ["doctor"],
  ];

  async function everything({ folder }: Workspace): Promise<string> {
    const said = await Promise.all(commands.map((args) => runCli([...args, "-w", folder])));
    return said.map(({ stdout, stderr }) => stdout + stderr).join("");
  }

  test("are in no output of any command, whether ours, old or somebody else's", async () => {
    const workspace = await withCanaries();
    const before = await everything(workspace);
    expect(before).toContain("PASSWD = [secret ");
    expect(before).not.toContain("CANARY");
    for (const args of [["apply"], ["apply", "--json"], ["reload", "leaky"], ["reload", "leaky", "--json"]]) {
      const { stdout, stderr } = await runCli([...args, "-w", workspace.folder]);
      expect(stdout + stderr).not.toContain("CANARY");
    }
    expect(await workspace.read("services/app/.env")).toContain("CANARY-db-value");
    await workspace.sed("s/CANARY-db-value/CANARY-db-newer/", "config.ini");
    expect(await everything(workspace)).not.toContain("CANARY");
    expect(await readFile(workspace.at("state/ledger.jsonl"), "utf8")).not.toContain("CANARY");
  });

  test.each([["text"], ["json"]])(
    "are not in the daemon's log at level debug, as %s; what a kill leaves is for nobody else",
    async (format) => {
      const workspace = await withCanaries();
      const daemon = workspace.startDaemon({ args: ["--log", format] });
      await daemon.waitForLine(/demo-nginx.*healthy/);
      await daemon.waitForLine(/leaky.*exit code 1/);
      await workspace.sed("s/CANARY-db-value/CANARY-db-newer/", "config.ini");
      await waitForFile(workspace.at("services/app/.env"), (text) => text.includes("CANARY-db-newer"));
      await daemon.kill9();
      expect(daemon.lines.join("\n")).not.toContain("CANARY");
      if (format === "json") for (const line of daemon.lines) expect(() => JSON.parse(line)).not.toThrow();
      for (const [name, [mode, , , content]] of Object.entries(await listing(workspace.folder)) as [
        string,
        [number, unknown, unknown, string],
      ][]) {
        // What git writes lies in a folder that nobody else can enter.
        if (!/^state(?!\/history\/)|\.config-sync-/.test(name) || content === "") continue;
        // A staging has the mode of its output from the beginning, and that is 0640 here.
        expect([name, mode & (name.startsWith("state") ? 0o077 : 0o007)]).toEqual([name, 0]);
      }
      const history = await lstat(workspace.at("state/history")).catch(() => undefined);
      expect((history?.mode ?? 0o700) & 0o777).toBe(0o700);
      expect((await lstat(workspace.at("services/leaky.conf"))).mode & 0o777).toBe(0o600);
    },
  );

  test("files of others that cannot be read are named, and not quoted", async () => {
    const workspace = await minimal();
    await mkdir(workspace.at("services/app"), { recursive: true });
    await mkdir(workspace.at("services/gitea"), { recursive: true });
    await writeFile(workspace.at("services/app/.env"), 'DB_PASSWORD=CANARY-a\nbroken CANARY-b line\n"CANARY-c\n');
    await writeFile(workspace.at("services/app/settings.json"), '{"password": "CANARY-d" CANARY-e');
    await writeFile(workspace.at("services/gitea/app.ini"), "[a]\nCANARY-f secret\n=CANARY-g\n");
    const said = `${await everything(workspace)}${(await runCli(["apply", "-w", workspace.folder])).stdout}`;
    expect(said).toMatch(/services\/gitea\/app.ini:2:1: /);
    expect(said).not.toContain("CANARY");
    expect(await workspace.read("services/gitea/app.ini")).toContain("CANARY-g");
  });
});
