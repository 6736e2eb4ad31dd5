import { afterEach, beforeEach, expect, test } from "vitest";
import { callDaemon } from "../../../src/api/control-client.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../../support/workspace.ts";

/** Apps of a daemon: the host's own over its files, and one in its history, through kills and other settings. */

let workspace: Workspace;
let daemon: Daemon;

const settings = "sources: [{ file: config.ini }]\nservices: [one]\nroots: [services]\n";

beforeEach(async () => {
  workspace = await makeWorkspace({
    "config.ini": "; kept\n[a]\nvalue = 0\nadmin_password = canary-1\nplain = canary-2\n",
    "config-sync.yaml": settings,
    "templates/one/service.yaml":
      "name: one\noutputs: [{ path: services/one.env, format: env:raw, template: one.hbs }]\nreload: [{ none: true }]\n",
    "templates/one/one.hbs": "VALUE={{a.value}}\n",
  });
  daemon = workspace.startDaemon();
  await daemon.waitForLine(/healthy/);
});

afterEach(async () => {
  await daemon.stop();
  await workspace.remove();
});

async function ask(method: "GET" | "POST" | "PUT" | "DELETE", url: string, body?: object) {
  const answer = await callDaemon(workspace.at("state/daemon.sock"), { method, url, ...(body && { body }) });
  if (answer === undefined) throw new Error("no daemon answers");
  return { status: answer.status, body: answer.body as Record<string, unknown> };
}

test("a value that is put into the host's tree is in the file and in the service, and an edit by hand is in the tree", async () => {
  const config = "/api/apps/default/config";
  expect((await ask("PUT", `${config}/a/value`, { value: 7 })).body).toMatchObject({ value: "7", path: "a.value" });
  expect(await workspace.read("config.ini")).toBe(
    "; kept\n[a]\nvalue = 7\nadmin_password = canary-1\nplain = canary-2\n",
  );
  await expect.poll(() => workspace.read("services/one.env")).toBe("VALUE=7\n");
  await workspace.sed("s/value = 7/value = 8/", "config.ini");
  await expect.poll(async () => (await ask("GET", `${config}/a.value`)).body.value).toBe("8");
  const refused = await ask("PUT", config, { a: { admin_password: "[secret]" } });
  // The service could not be rendered without its value.
  expect(refused).toMatchObject({ status: 422, body: { code: "VALUE_MISSING" } });
  expect(await ask("PUT", config, { a: { admin_password: "[secret]", value: 9 } })).toMatchObject({ status: 200 });
  expect(await workspace.read("config.ini")).toBe("; kept\n[a]\nvalue = 9\nadmin_password = canary-1\n");
  expect((await ask("GET", "/configs/default?version=1")).body.data).toEqual({
    a: { value: "0", admin_password: "[secret]", plain: "canary-2" },
  });
});

test("what was answered for an app is there after a kill, and goes on after other settings", async () => {
  expect((await ask("POST", "/api/apps/shop", { data: { n: -1 } })).status).toBe(201);
  const done: number[] = [];
  const writers = Array.from({ length: 10 }, async (_, index) => {
    const { status } = await ask("PUT", `/api/apps/shop/config/n${index}`, { value: index });
    if (status === 200) done.push(index);
    if (done.length === 5) await daemon.kill9();
  });
  await Promise.allSettled(writers);
  daemon = workspace.startDaemon();
  await daemon.waitForLine(/watching/);
  const { body } = await ask("GET", "/api/apps/shop/config");
  expect(body).toMatchObject(Object.fromEntries(done.map((index) => [`n${index}`, index])));
  expect(await ask("GET", "/health")).toMatchObject({ body: { apps: 2 } });

  await ask("PUT", "/api/apps/shop/config/note", { value: "canary-3" });
  await workspace.saveByRename("config-sync.yaml", `${settings}secrets: ["note"]\n`);
  process.kill(daemon.pid, "SIGHUP");
  await daemon.waitForLine(/other settings: secrets/);
  await expect.poll(async () => (await ask("GET", "/api/apps/shop/config/note")).body.value).toBe("[secret]");
  expect(await ask("PUT", "/api/apps/shop/config/n", { value: 100 })).toMatchObject({ status: 200 });
});
