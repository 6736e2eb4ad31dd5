import { readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { callDaemon } from "../../../src/api/control-client.ts";
import type { Entry } from "../../../src/audit/entry.ts";
import { type Daemon, makeWorkspace, runCli, type Workspace } from "../../support/workspace.ts";

/** A daemon, commands in processes of their own, and an editor, all of them on one audit log. */
let workspace: Workspace;

beforeEach(async () => {
  workspace = await makeWorkspace({
    "config.ini": "[a]\nvalue = 0\nadmin_password = canary-1\n",
    "config-sync.yaml": "sources: [{ file: config.ini }]\nservices: [one]\nroots: [services]\n",
    "templates/one/service.yaml":
      "name: one\noutputs: [{ path: services/one.env, format: env:raw, template: one.hbs, drift: adopt }]\nreload: [{ none: true }]\n",
    "templates/one/one.hbs": "VALUE={{a.value}}\n",
  });
});
afterEach(() => workspace.remove());

const config = (...args: string[]) => runCli([...args, "--workspace", workspace.folder]);

async function entries(...args: string[]): Promise<Entry[]> {
  const { stdout, code, stderr } = await config("audit", "list", "--json", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout).entries;
}

test("commands without a daemon are on record", async () => {
  await config("set", "a.value=1", "--message", "by hand");
  await config("set", "a.value=2", "a.admin_password=canary-2", "--message", "now it is canary-2");
  await config("access", "key", "create", "ci", "--role", "editor");
  await config("access", "key", "remove", "nobody");
  await config("get", "a.admin_password", "--reveal");
  const found = await entries();
  expect(found.map(({ what, outcome, code, target, keys }) => [what, outcome, code ?? target ?? keys])).toEqual([
    ["reveal", "done", ["a.admin_password"]],
    ["key.remove", "refused", "NOT_FOUND"],
    ["key.create", "done", "ci"],
    ["change", "done", ["a.value", "a.admin_password"]],
    ["change", "done", ["a.value"]],
    ["change", "done", []],
  ]);
  expect(found[3]?.why).not.toContain("canary");
  expect(found[5]).toMatchObject({ who: { name: "file", kind: "file" }, from: "file", revision: 1 });
  expect((await entries("--path", "a.admin_password")).map(({ what }) => what)).toEqual(["reveal", "change"]);
  expect((await config("audit", "verify")).code).toBe(0);
  expect(readFileSync(workspace.at("state/audit/000001.jsonl"), "utf8")).not.toContain("canary");
});

describe("with a daemon", () => {
  let daemon: Daemon;
  beforeEach(async () => {
    daemon = workspace.startDaemon();
    await daemon.waitForLine(/healthy/);
  });
  afterEach(() => daemon.stop());

  test("edits by hand, adopted drift, its commands and the API are on record, in one chain", async () => {
    await workspace.saveByRename("config.ini", "[a]\nvalue = 7\n");
    await expect.poll(() => entries("--path", "a.value")).toHaveLength(1);
    await expect.poll(() => readFileSync(workspace.at("services/one.env"), "utf8")).toBe("VALUE=7\n");
    writeFileSync(workspace.at("services/one.env"), "VALUE=8\n");
    await expect.poll(() => entries("--actor", "drift")).toHaveLength(1);
    const url = "/api/v1/settings/a/value";
    await Promise.all([
      callDaemon(workspace.at("state/daemon.sock"), { method: "PUT", url, body: { value: "9" } }),
      config("access", "key", "create", "ci", "--role", "editor"),
      config("apply"),
      config("reload", "nothing"),
    ]);
    const found = await entries("--limit", "4");
    expect(found.map(({ what, outcome }) => `${what} ${outcome}`).toSorted()).toEqual([
      "apply done",
      "change done",
      "key.create done",
      "reload refused",
    ]);
    expect((await config("audit", "verify")).code).toBe(0);
  });

  test("one flipped byte is found and named, and the log tells what to keep elsewhere", async () => {
    await config("set", "a.value=1");
    await config("set", "a.value=2");
    await daemon.stop();
    const line = await daemon.waitForLine(/the audit log goes up to \d+:/);
    const told = daemon.lines.findLast((one) => one.includes("the audit log goes up to")) ?? line;
    const head = /\d+:[0-9a-f]{64}/.exec(told)?.[0] ?? "";
    expect((await config("audit", "verify", "--expect", head)).code).toBe(0);
    const file = workspace.at("state/audit/000001.jsonl");
    const before = readFileSync(file);
    const bytes = Buffer.from(before);
    const at = before.indexOf("\n") + 20;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { code, stdout } = await config("audit", "verify");
    expect(code).toBe(1);
    expect(stdout).toContain("000001.jsonl:2 is not what was written");
    writeFileSync(file, before);
    expect((await config("audit", "verify")).code).toBe(0);
    expect((await config("audit", "verify", "--expect", `1:${"0".repeat(64)}`)).code).toBe(1);
    expect((await config("audit", "verify", "--expect", "something")).code).toBe(64);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
