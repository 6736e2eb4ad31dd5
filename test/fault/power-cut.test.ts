/**
 * The power goes right after the answer to a change, or on the way to it. The workspace is on a disk of its own, an ext4 in a file: what
 * stands in that file when the daemon is killed is what got as far as the disk, and the next start has nothing else.
 */
import { execFileSync } from "node:child_process";
import { constants, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import type { Entry } from "../../src/audit/entry.ts";
import { auditFolder } from "../../src/audit/files.ts";
import { listEntries } from "../../src/audit/query.ts";
import { verifyAudit } from "../../src/audit/verify.ts";
import type { Step } from "../../src/platform/reached.ts";
import { eventually } from "../support/action-context.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../support/workspace.ts";

const hook = new URL("support/step-hook.ts", import.meta.url).pathname;
let workspace: Workspace;
let daemon: Daemon;
let value = 0;

const mount = (): Buffer =>
  // Nothing goes to the disk but what is asked for.
  execFileSync("mount", ["-o", "loop,commit=300", workspace.at("disk.ext4"), workspace.at("disk")]);
const call = async (method: "GET" | "PUT", url: string, body?: object): Promise<unknown> => {
  const answer = await callDaemon(workspace.at("disk/state/daemon.sock"), { method, url, ...(body && { body }) });
  if (answer === undefined) throw new Error("the daemon does not run");
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
};
const setNext = () => call("PUT", `/api/v1/settings/a/value?message=to-${++value}`, { value: `${value}` });
const history = async () => {
  const { revisions } = (await call("GET", "/api/v1/settings/history?limit=1000")) as {
    revisions: { number: number; message: string }[];
  };
  return revisions;
};
const entries = (): Entry[] => listEntries(auditFolder(workspace.at("disk/state")), { limit: 1000 });
const config = () => readFileSync(workspace.at("disk/config.ini"), "utf8");

async function start(): Promise<void> {
  daemon = workspace.startDaemon({ env: { NODE_OPTIONS: `--import=${hook}`, FATAL_STEP: workspace.at("order") } });
  await daemon.waitForLine(/watching/);
  await eventually(async () => expect(await history()).not.toEqual([]));
}

/** The daemon is gone; what had not got as far as the disk goes, too. Gives config.ini as it is then, before the next start. */
async function cutPower(): Promise<string> {
  copyFileSync(workspace.at("disk.ext4"), workspace.at("cut.ext4"), constants.COPYFILE_FICLONE);
  execFileSync("umount", [workspace.at("disk")]);
  renameSync(workspace.at("cut.ext4"), workspace.at("disk.ext4"));
  mount();
  const left = config();
  await start();
  return left;
}

beforeAll(async () => {
  workspace = await makeWorkspace({
    "config-sync.yaml": "sources: [{ file: disk/config.ini }]\nstate: disk/state\nservices: []\nroots: [services]\n",
    order: "",
  });
  mkdirSync(workspace.at("disk"));
  execFileSync("truncate", ["-s", "24M", workspace.at("disk.ext4")]);
  execFileSync("mkfs.ext4", ["-q", workspace.at("disk.ext4")]);
  mount();
  writeFileSync(workspace.at("disk/config.ini"), "[a]\n; what it is\nvalue = 0\n");
  execFileSync("sync");
  await start();
  await setNext();
});
afterAll(async () => {
  await daemon?.stop();
  execFileSync("umount", [workspace.at("disk")]);
  await workspace?.remove();
});

async function expectWhole(): Promise<void> {
  expect(config()).toBe(`[a]\n; what it is\nvalue = ${value}\n`);
  const revisions = await history();
  expect(revisions.map(({ number }) => number)).toEqual(revisions.map((_, index) => revisions.length - index));
  // What the history has is on record, from the first entry on; put there soon after the start.
  const unsaid = () => {
    const said = new Set(entries().map(({ revision }) => revision));
    return revisions.filter(({ number }) => number > 1 && !said.has(number));
  };
  await expect.poll(unsaid).toEqual([]);
  expect((await verifyAudit(auditFolder(workspace.at("disk/state")))).faults).toEqual([]);
}

test.each([1, 2, 3])("a change that was answered is there, and on record (%i)", async () => {
  await setNext();
  await daemon.kill9();
  await cutPower();
  await expectWhole();
  expect((await history())[0]).toMatchObject({ message: `to-${value}` });
  const { number: revision } = (await history())[0] ?? {};
  expect(entries()).toContainEqual(expect.objectContaining({ revision, from: "control socket", outcome: "done" }));
});

// Most often it is not on the disk, and the next start finishes it; now and then an fsync that ends behind it has taken it along.
test("a rename that nobody waited for is made up for where the power cut undid it", async () => {
  writeFileSync(workspace.at("order"), "renamed 1");
  await expect(setNext()).rejects.toThrow();
  await expect(daemon.waitForLine(/a line that never comes/)).rejects.toThrow("The daemon ended");
  writeFileSync(workspace.at("order"), "");
  expect(config()).toContain(`value = ${value}\n`);
  const isUndone = !(await cutPower()).includes(`value = ${value}\n`);
  const told = daemon.lines.some((line) => line.includes("Finished the interrupted change of config.ini"));
  expect(told).toBe(isUndone);
  await expectWhole();
  expect((await history())[0]).toMatchObject({ message: `to-${value}` });
});

test.each<Step>(["staging-begun", "staged", "recorded"])(
  "cut off at %s it was made or not, as a whole",
  async (step) => {
    writeFileSync(workspace.at("order"), `${step} 1`);
    await expect(setNext()).rejects.toThrow();
    await expect(daemon.waitForLine(/a line that never comes/)).rejects.toThrow("The daemon ended");
    writeFileSync(workspace.at("order"), "");
    await cutPower();
    if (!config().includes(`value = ${value}\n`)) value--;
    await expectWhole();
  },
);
