import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadFormat } from "../../src/formats/index.ts";
import { readConfigIni } from "../../src/formats/ini/config-ini.ts";
import type { StatusReport } from "../../src/sync/status.ts";
import { type Daemon, runCli, type Workspace, waitForFile } from "../support/workspace.ts";
import { makeMinimal, outputs } from "./minimal.ts";

const workspaces: Workspace[] = [];
afterEach(async () => {
  await Promise.all(workspaces.splice(0).map(({ remove }) => remove()));
});

async function minimal(files?: Readonly<Record<string, string>>): Promise<Workspace> {
  const workspace = await makeMinimal(files);
  workspaces.push(workspace);
  return workspace;
}

async function statusOf({ folder }: Workspace): Promise<StatusReport> {
  const { stdout, stderr } = await runCli(["status", "--json", "-w", folder]);
  expect(stderr).toBe("");
  return JSON.parse(stdout) as StatusReport;
}

function readOutputs(workspace: Workspace): Promise<string[]> {
  return Promise.all(outputs.map((file) => workspace.read(file)));
}

describe("a daemon whose config.ini goes bad", () => {
  let workspace: Workspace;
  let daemon: Daemon;
  let good: string;
  let port = 8100;
  beforeAll(async () => {
    workspace = await makeMinimal();
    good = await workspace.read("config.ini");
    daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/watching/);
    await daemon.waitForLine(/demo-nginx +healthy/);
  });
  afterAll(() => workspace?.remove());

  const ini = () => workspace.at("config.ini");
  const sections = Array.from({ length: 10_000 }, (_, index) => `[section ${index}]\nkey = ${index}\n`).join("");

  test.each<[what: string, break_: () => Promise<unknown>, problem: RegExp, mend?: () => Promise<unknown>]>([
    ["deleted", () => unlink(ini()), /config.ini.* is not there.*Restore it/],
    ["emptied", () => workspace.saveInPlace("config.ini", ""), /config.ini.*is empty.*Restore/],
    ["all comments", () => workspace.saveInPlace("config.ini", "# a\n; b\n"), /config.ini.*holds no section/],
    [
      "binary",
      () => writeFile(ini(), Buffer.from([0x5b, 0x61, 0x5d, 0x0a, 0xff, 0xfe, 0x00])),
      /config.ini:2:1: .*not UTF-8.*Save it as UTF-8/,
    ],
    ["UTF-16", () => writeFile(ini(), Buffer.from(`\ufeff${good}`, "utf16le")), /config.ini:1:1: .*UTF-16/],
    ["20 MiB", () => writeFile(ini(), Buffer.alloc(20 * 1024 * 1024, "a")), /config.ini.*larger than 16 MiB/],
    ["a NUL", () => workspace.saveInPlace("config.ini", `${good}x = a\0b\n`), /config.ini:32:/],
    [
      "no key",
      () => workspace.saveByRename("config.ini", `${good}what is this\n`),
      /config.ini:32:1: .*neither a section/,
    ],
    ["before any section", () => workspace.saveByRename("config.ini", `a = b\n${good}`), /config.ini:1:1: /],
    ["a key twice", () => workspace.saveByRename("config.ini", `${good}port = 1\n`), /config.ini:32:.*line 31/],
    [
      "a section twice",
      () => workspace.saveByRename("config.ini", `${good}[mail]\na = b\n`),
      /config.ini:32:.*line 14/,
    ],
    [
      "a folder",
      () => unlink(ini()).then(() => mkdir(ini())),
      /config.ini.* is a (folder|directory)/,
      () => rmdir(ini()),
    ],
    [
      "a pipe",
      async () => {
        await unlink(ini());
        execFileSync("mkfifo", [ini()]);
      },
      /config.ini.* is .*pipe|config.ini.*not a file/,
      () => unlink(ini()),
    ],
    [
      "a link to nowhere",
      async () => {
        await unlink(ini());
        execFileSync("ln", ["-s", "nowhere.ini", ini()]);
      },
      /config.ini.* is not there/,
      () => unlink(ini()),
    ],
    [
      "a link to itself",
      () => unlink(ini()).then(() => execFileSync("ln", ["-s", "config.ini", ini()])),
      /config.ini/,
      () => unlink(ini()),
    ],
  ])("%s: the last good state stays, it is said where people look, and it heals", async (_, break_, problem, mend) => {
    const before = await readOutputs(workspace);
    const from = daemon.lines.length;
    await break_();
    await daemon.waitForLine(problem, from);
    await daemon.waitForLine(/The last good values stay in force/, from);
    const status = await statusOf(workspace);
    expect(status.problems.map((one) => one.text)).toEqual([expect.stringMatching(problem)]);
    expect(status.services.map(({ state }) => state)).toEqual(["healthy", "healthy", "healthy"]);
    expect(await readOutputs(workspace)).toEqual(before);

    await mend?.();
    port++;
    await workspace.saveByRename("config.ini", good.replace("8088", String(port)));
    await daemon.waitForLine(/the sources are in order again/, from);
    await waitForFile(workspace.at("services/nginx/site.conf"), (content) => content.includes(`listen ${port};`));
  });

  test("the table says it, too", async () => {
    await workspace.saveByRename("config.ini", "nothing\n");
    await expect
      .poll(async () => (await runCli(["status", "-w", workspace.folder])).stdout)
      .toMatch(/config.ini:1:1: .*\nThe last good values stay in force until this is mended.\n\nSERVICE/);
  });

  test("10,000 sections that nobody uses change nothing, and quickly", async () => {
    const from = daemon.lines.length;
    await workspace.saveByRename("config.ini", `${good.replace("8088", "8077")}${sections}`);
    await waitForFile(workspace.at("services/nginx/site.conf"), (content) => content.includes("listen 8077;"));
    await daemon.waitForLine(/revision \d+: 1000\d values/, from);
    expect((await statusOf(workspace)).problems).toEqual([]);
  });
});

test("config.ini that is missing at the start is waited for", async () => {
  const workspace = await minimal();
  await rename(workspace.at("config.ini"), workspace.at("later.ini"));
  const daemon = workspace.startDaemon({ args: ["--log", "text"] });
  await daemon.waitForLine(/config.ini is not there/);
  await daemon.waitForLine(/watching/);
  expect(await statusOf(workspace)).toMatchObject({
    revision: null,
    problems: [{ code: "SOURCE_MISSING", hint: expect.any(String) }],
    services: [{ state: "unknown" }, { state: "unknown" }, { state: "unknown" }],
  });
  const waited = await runCli(["wait", "--all", "--timeout", "300ms", "-w", workspace.folder]);
  expect(waited).toMatchObject({ code: 1, stderr: expect.stringContaining("config.ini is not there") });
  await rename(workspace.at("later.ini"), workspace.at("config.ini"));
  await waitForFile(workspace.at("services/nginx/site.conf"), (content) => content.includes("listen 8088;"));
  expect(await daemon.stop()).toBe(0);
});

describe("hostile values", () => {
  const hostile: readonly [what: string, value: string][] = [
    ["quotes", `a"b'c\`d`],
    ["comment signs", "a#b ;c # d ; e"],
    ["interpolation", `% %% $HOME \${HOME} $$ $(id) \`id\` {{app.port}} \\\${x}`],
    ["backslashes", "\\n\\t\\\\ C:\\dir\\"],
    ["equals and colons", "= : == key = value [section]"],
    ["markup", "</script><!-- --> &amp; \u2028\u2029"],
    ["unicode", "пароль 密码 🔑 e\u0301 \u202eabc \u00a0 \ufeff"],
    ["control characters", "a\x01\x07\x1b[31mred\x7f"],
    ["spaces inside", "a  b\t\tc"],
    ["words that are values elsewhere", "true"],
    ["a number", "007"],
    ["null", "null"],
    ["a lonely quote", '"'],
    ["a lonely backtick", "`"],
    ["an escape at the end", "a\\"],
    ["1 MiB", "x".repeat(1024 * 1024)],
  ];

  test.each(hostile)(
    "%s: what is written is read back as it was, and what cannot be written is refused",
    async (_, value) => {
      const workspace = await minimal();
      const text = await workspace.read("config.ini");
      const changed = text
        .replace(/^(app_name|password|title|db_password) = .*$/gm, (_line, key) => `${key} = ${value}`)
        .replace(/^from = .*$/m, "from = a@b");
      await workspace.saveByRename("config.ini", changed);
      const applied = await runCli(["apply", "--json", "-w", workspace.folder]);
      expect(applied.stderr).toBe("");
      const status = JSON.parse(applied.stdout.trimEnd().split("\n").at(-1) ?? "") as StatusReport;
      const wanted = readConfigIni(changed).find(
        ({ path: [section, key] }) => section === "app" && key === "title",
      )?.value;
      const files: Record<string, [service: string, format: string, fields: Record<string, unknown>]> = {
        "services/gitea/app.ini": ["demo-gitea", "ini:gitea", { APP_NAME: wanted, PASSWD: wanted }],
        "services/app/.env": ["demo-app", "env:compose", { DB_PASSWORD: wanted }],
        "services/app/settings.json": ["demo-app", "json", { title: wanted, password: wanted }],
      };
      for (const [file, [service, format, fields]] of Object.entries(files)) {
        const { state, trouble } = status.services.find(({ name }) => name === service) ?? {};
        if (state === "healthy") {
          const read = (await loadFormat(format)).read(await workspace.read(file));
          for (const [key, expected] of Object.entries(fields))
            expect([key, read.find(({ path }) => path.at(-1) === key)?.value]).toEqual([key, expected]);
        } else {
          expect(existsSync(workspace.at(file))).toBe(false);
          expect({ state, trouble }).toMatchObject({
            state: "refused",
            trouble: {
              code: "UNREPRESENTABLE",
              message: expect.stringMatching(/"(gitea.app_name|mail.password|app.title|app.db_password)"/),
            },
          });
          expect(trouble?.message.length).toBeLessThan(500);
        }
      }
      // It is on nginx, which gets none of the values, that nothing else suffers; it waits for nobody that is refused.
      expect(await workspace.read("services/nginx/site.conf")).toContain("listen 8088;");
    },
  );

  test("a value that goes on in the next line is one value with a line break, or refused by name", async () => {
    const workspace = await minimal();
    await workspace.sed("s/^title = .*/title = first\\n  second/", "config.ini");
    const { code, stdout } = await runCli(["apply", "-w", workspace.folder]);
    if (code === 0) expect(JSON.parse(await workspace.read("services/app/settings.json")).title).toBe("first\nsecond");
    else expect(stdout).toMatch(/app.title|config.ini:2\d/);
  });

  test("a reference to what is not there is refused by name and place", async () => {
    const workspace = await minimal();
    await workspace.sed("s/^title = .*/title = %(nothing)s/", "config.ini");
    const { code, stdout } = await runCli(["validate", "-w", workspace.folder]);
    expect({ code, stdout }).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^error config.ini:22:\d+: app.title refers/),
    });
  });

  test("__proto__ is a name like any other", async () => {
    const workspace = await minimal();
    const more = "\n[__proto__]\npolluted = yes\n[constructor]\nprototype = yes\n";
    await workspace.saveByRename(
      "config.ini",
      `${await workspace.read("config.ini")}__proto__ = yes\nhasOwnProperty = yes\n${more}`,
    );
    expect(await runCli(["apply", "-w", workspace.folder])).toMatchObject({ code: 0 });
    for (const [key, value] of [
      ["__proto__.polluted", "yes"],
      ["gateway.__proto__", "yes"],
      ["constructor.prototype", "yes"],
    ]) {
      const { stdout } = await runCli(["explain", key ?? "", "--json", "-w", workspace.folder]);
      expect(JSON.parse(stdout)).toMatchObject([{ key, value }]);
    }
    expect(await runCli(["explain", "toString", "-w", workspace.folder])).toMatchObject({ code: 1 });
  });

  test("a template that asks for what is inherited gets nothing", async () => {
    const workspace = await minimal();
    await workspace.sed("s/{{number gateway.port}}/{{app.constructor}}/", "templates/demo-nginx/site.conf.hbs");
    const { code, stdout } = await runCli(["validate", "-w", workspace.folder]);
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining("app.constructor") });
  });
});

describe("without the rights of root", () => {
  // Root without the right to pass over modes: like anybody else, but at home in this checkout wherever it lies.
  const drop = ["--bounding-set", "-dac_override,-dac_read_search"];
  const main = path.join(import.meta.dirname, "../../src/main.ts");

  async function unprivileged(args: readonly string[]) {
    const child = spawn("setpriv", [...drop, process.execPath, main, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    const [[code], stdout, stderr] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
    return { code, stdout, stderr };
  }

  test("config.ini that may not be read keeps the last good state, and heals", async () => {
    const workspace = await minimal();
    const child = spawn(
      "setpriv",
      [...drop, process.execPath, main, "start", "--no-api", "--log", "text", "-w", workspace.folder],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, NO_COLOR: "1", CONFIG_SYNC_LEASH: workspace.folder },
      },
    );
    await waitForFile(workspace.at("services/nginx/site.conf"), (content) => content.includes("8088"));
    await chmod(workspace.at("config.ini"), 0);
    await expect
      .poll(async () => (await statusOf(workspace)).problems)
      .toMatchObject([{ text: expect.stringMatching(/config.ini.*permission denied.*Give the user/) }]);
    expect((await statusOf(workspace)).services.map(({ state }) => state)).toEqual(["healthy", "healthy", "healthy"]);
    await chmod(workspace.at("config.ini"), 0o600);
    await expect.poll(async () => (await statusOf(workspace)).problems).toEqual([]);
    child.kill();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("a state folder that may not be written is named, whatever needs it; looking needs nothing", async () => {
    const workspace = await minimal();
    await mkdir(workspace.at("state"), { mode: 0o555 });
    for (const command of ["start", "apply"]) {
      const { code, stderr } = await unprivileged([command, "-w", workspace.folder]);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^error: the state folder .*state cannot be used: .*permission denied.*\. .*config-sync.yaml\n$/,
      );
    }
    expect(await unprivileged(["plan", "-w", workspace.folder])).toMatchObject({ code: 2, stderr: "" });
    expect(await unprivileged(["status", "-w", workspace.folder])).toMatchObject({ code: 0, stderr: "" });
  });

  test("doctor says what is in the way, and how to mend it", async () => {
    const workspace = await minimal();
    await mkdir(workspace.at("services/nginx"), { recursive: true });
    await mkdir(workspace.at("state"), { mode: 0o555 });
    await chmod(workspace.at("services/nginx"), 0o555);
    const { code, stdout } = await unprivileged(["doctor", "--json", "-w", workspace.folder]);
    expect(code).toBe(1);
    const failures = JSON.parse(stdout).checks.filter(({ state }: { state: string }) => state === "failure");
    expect(failures).toMatchObject([
      { about: "state folder", mend: expect.stringContaining(workspace.at("state")) },
      { about: "demo-nginx: services/nginx/site.conf", mend: expect.stringContaining(workspace.at("services/nginx")) },
    ]);
  });
});

describe("a full disk", () => {
  async function withTinyState(): Promise<Workspace> {
    const workspace = await minimal();
    await mkdir(workspace.at("state"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", workspace.at("state")]);
    return workspace;
  }
  const fill = (workspace: Workspace) =>
    writeFile(workspace.at("state/filler"), Buffer.alloc(1024 * 1024)).catch(() => undefined);

  test("before the start is a clear refusal that leaves the services' files alone", async () => {
    const workspace = await withTinyState();
    await fill(workspace);
    for (const command of ["start", "apply"]) {
      const { code, stderr } = await runCli([command, "-w", workspace.folder]);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /^error: the state folder .* no space is left on the device\. Free some space\n$/,
        ),
      });
    }
    expect(existsSync(workspace.at("services"))).toBe(false);
    const doctor = await runCli(["doctor", "-w", workspace.folder]);
    expect(doctor).toMatchObject({ code: 1, stdout: expect.stringMatching(/failure +state folder: .*no space/) });
    execFileSync("umount", [workspace.at("state")]);
  });

  test("under a running daemon keeps changes back until there is room, and it lives", async () => {
    const workspace = await withTinyState();
    const long = "x".repeat(6000);
    await workspace.sed(`s/^title = .*/title = ${long}/`, "config.ini");
    // With a reload there is something that can fail later, and so a way back to be kept.
    await workspace.sed("s/none: true/command: { argv: ['true'] }/", "templates/demo-app/service.yaml");
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/demo-nginx +healthy/);
    await fill(workspace);
    const from = daemon.lines.length;
    await workspace.sed("s/^title = .*/title = short/", "config.ini");
    // Before anything is written, the way back is: eight thousand bytes for which there is no room.
    await daemon.waitForLine(/demo-app +waiting: .*(no space|ENOSPC)/, from);
    expect(await workspace.read("services/app/settings.json")).toContain(long);
    await rm(workspace.at("state/filler"));
    await waitForFile(workspace.at("services/app/settings.json"), (content) => content.includes('"short"'));
    await daemon.waitForLine(/demo-app +healthy/, from);
    expect(await daemon.stop()).toBe(0);
    expect(await readFile(workspace.at("state/ledger.jsonl"), "utf8")).toContain("demo-nginx");
    execFileSync("umount", [workspace.at("state")]);
  });
});
