import { afterEach, describe, expect, test } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import { runCli, type Workspace, waitForFile } from "../support/workspace.ts";
import { makeMinimal } from "./minimal.ts";

const workspaces: Workspace[] = [];
afterEach(async () => {
  await Promise.all(workspaces.splice(0).map(({ remove }) => remove()));
});

const schema = `sections:
  app:
    port: { type: port, required: section }
    title: { secret: true }
  gateway:
    port: { type: port, description: the port of the gateway }
`;

async function withSchema(): Promise<Workspace> {
  const workspace = await makeMinimal({ "schema.yaml": schema });
  workspaces.push(workspace);
  await workspace.sed("$ a schema: schema.yaml", "config-sync.yaml");
  return workspace;
}

describe("a workspace with a schema", () => {
  test("tells all that is wrong at once, with key, file and line", async () => {
    const workspace = await withSchema();
    await workspace.sed("s/^port = 8080/port =/;s/^port = 8088/port = often/", "config.ini");
    const { code, stdout } = await runCli(["validate", "--json", "-w", workspace.folder]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).findings).toMatchObject([
      { severity: "error", code: "VALUE_MISSING", key: "app.port", line: 24, file: "config.ini" },
      { severity: "error", code: "VALUE_INVALID", key: "gateway.port", line: 31, file: "config.ini" },
    ]);
    expect(stdout).not.toContain("often");
  });

  test("refuses a change that breaks it, with a daemon and without, and changes nothing", async () => {
    const workspace = await withSchema();
    const before = await workspace.read("config.ini");
    const change = () => runCli(["set", "app.port=8088", "gateway.port=8088", "-w", workspace.folder]);
    const refused = { code: 1, stderr: expect.stringMatching(/gateway.port is the same port as app.port/) };
    expect(await change()).toMatchObject(refused);
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/demo-nginx +healthy/);
    expect(await change()).toMatchObject(refused);
    expect(await workspace.read("config.ini")).toBe(before);
    expect(await runCli(["set", "gateway.port=8089", "-w", workspace.folder])).toMatchObject({ code: 0 });
  });

  test("keeps the last good values while a file that is saved by hand breaks it", async () => {
    const workspace = await withSchema();
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/demo-nginx +healthy/);
    const nginx = await workspace.read("services/nginx/site.conf");
    await workspace.sed("s/^port = 8088/port = 99999/;s/^debug = false/debug = true/", "config.ini");
    await daemon.waitForLine(/config.ini:31\S* gateway.port is not a port.*It is to be: the port of the gateway/);
    expect((await runCli(["status", "-w", workspace.folder])).stdout).toContain("gateway.port is not a port");
    expect((await runCli(["set", "app.port=8090", "-w", workspace.folder])).stderr).toContain(
      "gateway.port is not a port",
    );
    expect(await workspace.read("services/nginx/site.conf")).toBe(nginx);
    await workspace.sed("s/^port = 99999/port = 8090/", "config.ini");
    await waitForFile(workspace.at("services/nginx/site.conf"), (text) => text.includes("8090"));
    await waitForFile(workspace.at("services/app/settings.json"), (text) => /"debug": true/.test(text));
  });

  test("refuses a certificate that is none, and warns of a password that is easy to guess", async () => {
    const workspace = await withSchema();
    await workspace.sed(
      "$ a \\  tls: { cert: { type: certificate } }\\n  mail: { password: { strength: 4 } }",
      "schema.yaml",
    );
    await workspace.sed("s/^password = .*/password = password1/;$ a [tls]\\ncert =", "config.ini");
    const refused = await runCli(["set", `tls.cert=${workspace.at("config.ini")}`, "-w", workspace.folder]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("names a file that holds no certificate"),
    });
    const { code, stdout } = await runCli(["validate", "-w", workspace.folder]);
    expect(stdout).toMatch(
      /^warning config.ini:\d+:\d+: mail.password is easy to guess .* often used\. Choose a longer one/,
    );
    expect(stdout).not.toContain("password1");
    expect(code).toBe(0);
  });

  test("holds a section to the JSON Schema that it names, in the file as in a change", async () => {
    const workspace = await withSchema();
    const json = { required: ["from"], properties: { from: { type: "string", format: "email" } } };
    await workspace.sed("$ a json_schemas: { mail: mail.schema.json }", "schema.yaml");
    await workspace.saveByRename("mail.schema.json", JSON.stringify(json));
    const change = await runCli(["set", "mail.from=nobody", "-w", workspace.folder]);
    expect(change).toMatchObject({ code: 1, stderr: expect.stringContaining("mail.from is not of the format email") });
    await workspace.sed("s/^from = .*/from =/", "config.ini");
    const { code, stdout } = await runCli(["validate", "-w", workspace.folder]);
    expect(stdout).toMatch(/^error config.ini:\d+:\d+: mail.from is missing/);
    expect(code).toBe(1);
    await workspace.saveByRename("mail.schema.json", '{"type": "text"}');
    expect((await runCli(["validate", "-w", workspace.folder])).stdout).toMatch(
      /^error \S*mail.schema.json: this is no/,
    );
  });

  test("finds the same by command and by the API: what is wrong, and what only deserves a warning", async () => {
    const workspace = await withSchema();
    await workspace.sed("$ a \\  mail: { password: { strength: 4 } }", "schema.yaml");
    await workspace.sed("s/^password = .*/password = change-me/", "config.ini");
    const said = JSON.parse((await runCli(["validate", "--json", "-w", workspace.folder])).stdout).findings;
    expect(said.map(({ key }: { key: string }) => key)).toEqual(["mail.password", "mail.password"]);
    const ask = async (body: object) => {
      const call = { method: "POST", url: "/api/v1/settings/validate", body } as const;
      return (await callDaemon(workspace.at("state/daemon.sock"), call))?.body as { findings: unknown };
    };
    const daemon = workspace.startDaemon({ args: ["--log", "text"] });
    await daemon.waitForLine(/demo-nginx +healthy/);
    expect(await ask({})).toMatchObject({ ok: true, findings: said });
    const { findings } = await ask({ gateway: { port: "x" }, app: { port: "y" } });
    expect(findings).toMatchObject([{ key: "app.port" }, { key: "gateway.port" }]);
  });

  test("hides what the schema calls secret", async () => {
    const workspace = await withSchema();
    expect((await runCli(["get", "app.title", "-w", workspace.folder])).stdout).not.toContain("corner");
  });

  test("is refused with a bad schema, by its line", async () => {
    const workspace = await withSchema();
    await workspace.sed("s/type: port, required/type: prot, required/", "schema.yaml");
    const { code, stdout } = await runCli(["validate", "-w", workspace.folder]);
    expect(stdout).toMatch(/^error \S*schema.yaml:3:19: sections.app.port.type is not one of text, enum, /);
    expect(code).toBe(1);
  });
});

test("with --strict warnings count", async () => {
  const workspace = await makeMinimal({ "system.ini": "[app]\ndebug = false\n" });
  workspaces.push(workspace);
  expect(await runCli(["validate", "-w", workspace.folder])).toMatchObject({ code: 0 });
  expect(await runCli(["validate", "--strict", "-w", workspace.folder])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/0 errors, 1 warning\n$/),
  });
});
