/** What a crash kept from the audit log: changes that the history has, and acts of commands that need no daemon. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Entry } from "../../../src/audit/entry.ts";
import { auditFolder } from "../../../src/audit/files.ts";
import { listEntries } from "../../../src/audit/query.ts";
import { verifyAudit } from "../../../src/audit/verify.ts";
import { makeWorkspace, runCli, type Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
beforeEach(async () => {
  workspace = await makeWorkspace({
    "config.ini": "[a]\nvalue = 0\npassword = planted-secret\n",
    "config-sync.yaml":
      "sources: [{ file: config.ini }]\nservices: []\nroots: [services]\nencryption: { key_file: keys }\n",
  });
});
afterEach(() => workspace.remove());

const folder = () => auditFolder(workspace.at("state"));
const entries = (): Entry[] => listEntries(folder(), { limit: 100 }).reverse();
async function set(value: number): Promise<void> {
  const { code, stderr } = await runCli(["set", `a.value=${value}`, "-m", `to ${value}`, "-w", workspace.folder]);
  expect(code, stderr).toBe(0);
}

/** As if the process had ended between the change and its entry. */
async function withoutEntries(work: () => Promise<unknown>): Promise<void> {
  const kept = await mkdtemp(join(tmpdir(), "config-sync-test-audit-"));
  await cp(folder(), kept, { recursive: true });
  await work();
  await rm(folder(), { recursive: true });
  await cp(kept, folder(), { recursive: true });
  await rm(kept, { recursive: true });
}

test("changes that are in the history and not in the log are put there by the next start, once", async () => {
  await set(1);
  await withoutEntries(async () => {
    await set(2);
    await set(3);
  });
  const before = entries();
  const newest = Math.max(...before.map(({ revision = 0 }) => revision));
  for (const _ of ["the first start", "another one"]) {
    const daemon = workspace.startDaemon();
    await daemon.waitForLine(/watching/);
    await expect.poll(() => entries().length).toBeGreaterThanOrEqual(before.length + 2);
    await daemon.stop();
  }
  const put = { from: "history", what: "change", app: "default", outcome: "done" };
  expect(entries().slice(before.length)).toMatchObject([
    { ...put, revision: newest + 1, why: "to 2", who: { kind: "unknown" } },
    { ...put, revision: newest + 2, why: "to 3" },
  ]);
  expect((await verifyAudit(folder())).faults).toEqual([]);
});

test("a history that is older than the log is left alone", async () => {
  await set(1);
  await set(2);
  await rm(folder(), { recursive: true });
  const daemon = workspace.startDaemon();
  await daemon.waitForLine(/watching/);
  await set(3);
  await daemon.stop();
  expect(entries().map(({ from }) => from)).toEqual(["control socket"]);
});

test("a key that is made and a value that is shown are on record, and no value is", async () => {
  const secrets = (...args: string[]) => runCli(["secrets", ...args, "-w", workspace.folder]);
  await secrets("keygen");
  expect(await secrets("decrypt", "a.password")).toMatchObject({ stdout: "planted-secret\n" });
  await secrets("rotate");
  const made = { what: "encryption.key", from: "command line", target: expect.stringMatching(/^[0-9a-f]{8}$/) };
  const found = entries().filter(({ from }) => from === "command line");
  expect(found).toMatchObject([made, { what: "reveal", app: "default", keys: ["a.password"] }, made]);
  expect(JSON.stringify(entries())).not.toContain("planted");
});
