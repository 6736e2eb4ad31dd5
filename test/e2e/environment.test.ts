/** The environment of services: set, mapped, taken away, and read by the program that the file is for. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Daemon, runCli, type Workspace, waitForFile } from "../support/workspace.ts";
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
const envFile = "services/app/.env";
const done = { code: 0, stderr: "" };

async function startHealthy(): Promise<Daemon> {
  daemon = workspace.startDaemon();
  await daemon.waitForLine(/demo-nginx.*healthy/);
  return daemon;
}

describe("a daemon", () => {
  test("writes variables and mappings, follows what they are mapped from, and takes away what is gone", async () => {
    mkdirSync(dirname(workspace.at(envFile)), { recursive: true });
    writeFileSync(workspace.at(envFile), "# mine\nMINE=1   # stays\nTZ=theirs\n");
    await startHealthy();
    expect(await workspace.read(envFile)).toMatch(/^# mine\nMINE=1 {3}# stays\nTZ=theirs\n/);

    expect(await cs("env", "set", "TZ=Europe/Berlin", "--wait")).toMatchObject(done);
    expect(await cs("env", "map", "MAIL_HOST=mail.host", "-m", "for the app")).toMatchObject(done);
    expect(await cs("env", "map", `GIT_URL=http://\${gitea.domain}:\${gitea.http_port}/`, "--wait")).toMatchObject(
      done,
    );
    const written = await workspace.read(envFile);
    expect(written).toMatch(/^# mine\nMINE=1 {3}# stays\nTZ=Europe\/Berlin\n/);
    expect(written).toContain("MAIL_HOST=smtp.example.com\nGIT_URL=http://git.example.com:3000/\n");

    await workspace.sed("s/^http_port = .*/http_port = 3007/", "config.ini");
    await waitForFile(workspace.at(envFile), (text) => text.includes("GIT_URL=http://git.example.com:3007/"));

    expect(await cs("env", "unmap", "GIT_URL", "--wait")).toMatchObject(done);
    expect(await cs("env", "unset", "TZ", "--service", "demo-app")).toMatchObject({ code: 1 });
    expect(await cs("env", "unset", "TZ", "--wait")).toMatchObject(done);
    const left = await workspace.read(envFile);
    expect(left).toMatch(/^# mine\nMINE=1 {3}# stays\nAPP_PORT=/);
    expect(left).toContain("MAIL_HOST=smtp.example.com\n");
    expect(left).not.toMatch(/GIT_URL|TZ/);
  });

  test("takes up what is edited by hand, keeps the last good on a mistake, and goes back to a revision", async () => {
    const running = await startHealthy();
    const first = await workspace.read("environment.yaml");
    const edited = `${first.replace("variables:\n", "variables:\n  LEVEL: debug\n")}`;
    await workspace.saveByRename("environment.yaml", edited);
    await waitForFile(workspace.at(envFile), (text) => text.includes("LEVEL=debug\n"));

    await workspace.saveByRename("environment.yaml", `${edited}mappings: [x]\n`);
    await running.waitForLine(/environment\.yaml:\d+:\d+/);
    expect(await workspace.read(envFile)).toContain("LEVEL=debug\n");

    await workspace.saveByRename("environment.yaml", edited);
    expect(await cs("rollback", "1", "--wait")).toMatchObject(done);
    expect(await workspace.read("environment.yaml")).toBe(first);
    expect(await workspace.read(envFile)).not.toContain("LEVEL");
  });
});

describe("without a daemon", () => {
  test("variables are set, listed and explained, with who gets them", async () => {
    expect(await cs("env", "set", "DB_TOKEN=t0ken-planted", "--service", "demo-app")).toMatchObject(done);
    expect(await cs("env", "map", "SMTP_*=mail.*")).toMatchObject(done);
    const { stdout } = await cs("env", "list");
    expect(stdout).toMatch(/^NAME +VALUE +FROM +GIVEN TO\n/);
    expect(stdout).toMatch(
      /^DB_TOKEN \(demo-app only\) +\[secret\] +environment\.yaml:\d+ +demo-app \(services\/app\/\.env, env:compose\)$/m,
    );
    expect(stdout).toMatch(/^SMTP_HOST +smtp\.example\.com +mail\.\* \(environment\.yaml:\d+\) +demo-app/m);
    expect(stdout).not.toMatch(/planted|mail#and/);
    expect((await cs("env", "get", "DB_TOKEN", "--service", "demo-app", "--reveal")).stdout).toBe("t0ken-planted\n");
    expect((await cs("explain", "environment:demo-app.DB_TOKEN")).stdout).toContain(
      "used by demo-app: services/app/.env",
    );
    expect((await cs("explain", "mail.from")).stdout).toContain("used by demo-app: services/app/.env");
    expect((await cs("plan")).stdout).not.toContain("planted");
  });

  test.each([
    ["that the template writes", "APP_PORT=1", /APP_PORT is not for this service: its template writes it/],
    ["that its reader does not have", "A+B=1", /A\+B is not for this service: env:compose has no such name/],
    ["that is none", "A B=1", /not the name of a variable/],
  ])("a name is refused %s, and nothing is changed", async (_, assignment, message) => {
    const before = await workspace.read("environment.yaml");
    expect(await cs("env", "set", assignment)).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
    expect(await workspace.read("environment.yaml")).toBe(before);
  });

  test("secrets are sealed in the document where there is a key, and stay so through a rotation", async () => {
    const settings = await workspace.read("config-sync.yaml");
    await workspace.saveByRename("config-sync.yaml", `${settings}encryption: { key_file: keys }\n`);
    expect(await cs("secrets", "keygen")).toMatchObject(done);
    expect(await cs("env", "set", "DB_TOKEN=t0ken-planted")).toMatchObject(done);
    const sealed = await workspace.read("environment.yaml");
    expect(sealed).toMatch(/DB_TOKEN: "enc:v1:/);
    expect(await cs("secrets", "rotate")).toMatchObject(done);
    expect(await workspace.read("environment.yaml")).not.toBe(sealed);
    expect((await cs("env", "get", "DB_TOKEN", "--reveal")).stdout).toBe("t0ken-planted\n");
  });
});

describe("docker-compose", () => {
  /** What the program that the file is for makes of it. */
  function readByCompose(): Record<string, string> {
    writeFileSync(
      workspace.at("services/app/docker-compose.yml"),
      'version: "3"\nservices:\n  app:\n    image: none\n    env_file: .env\n',
    );
    const text = execFileSync("docker-compose", ["config"], {
      cwd: workspace.at("services/app"),
      encoding: "utf8",
    });
    const script =
      "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)['services']['app']['environment']))";
    return JSON.parse(execFileSync("python3", ["-c", script], { input: text, encoding: "utf8" }));
  }

  // Without a dollar sign: the program of Debian 12, Compose 1, knows no way to write one that Compose 2 knows, too.
  test("reads what was set and mapped", async () => {
    const values: Record<string, string> = {
      PLAIN: "Europe/Berlin",
      BLANKS: "a b  c",
      HASH: "a #b",
      QUOTES: 'say "hi"',
      EQUALS: "a=b=c",
      EMPTY: "",
      UMLAUT: "Grüße",
    };
    const document = { variables: values, mappings: { FROM_MAIL: "mail.password" } };
    await workspace.saveByRename("environment.yaml", JSON.stringify(document));
    await startHealthy();
    expect(readByCompose()).toMatchObject({ ...values, FROM_MAIL: "mail#and;more", APP_PORT: "8080" });
  });
});
