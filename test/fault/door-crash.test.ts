/** A daemon that is ended with SIGKILL at every step of a change that came in at the door, and started again. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import type { Step } from "../../src/platform/reached.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../support/workspace.ts";

const hook = new URL("support/step-hook.ts", import.meta.url).pathname;
const kinds = ["plain", "linked", "mounted"] as const;
const renaming: readonly Step[] = ["staging-begun", "staged", "recorded", "renamed", "folders-synced"];
const inPlace: readonly (Step | "half-written")[] = [
  ...(["staging-begun", "staged", "recorded", "journalled", "room-made", "overwritten", "cut-to-length"] as const),
  "half-written",
];

describe.each(kinds)("a config.ini that is %s", (kind) => {
  let workspace: Workspace;
  let daemon: Daemon;
  let value = 0;
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", workspace.at("state/history"), ...args], { encoding: "utf8", stdio: "pipe" });
  const socket = () => workspace.at("state/daemon.sock");
  const config = () => readFileSync(workspace.at("config.ini"), "utf8");
  const start = async (): Promise<void> => {
    const env = { NODE_OPTIONS: `--import=${hook}`, FATAL_STEP: workspace.at("order") };
    daemon = workspace.startDaemon({ env });
    await vi.waitFor(async () => expect(await history()).not.toEqual([]), { timeout: 15_000, interval: 20 });
  };
  const history = async (): Promise<{ number: number; author: string; message: string }[]> => {
    const answer = await callDaemon(socket(), { method: "GET", url: "/api/v1/settings/history?limit=1000" });
    if (answer === undefined) throw new Error("the daemon does not run");
    return (answer.body as { revisions: { number: number; author: string; message: string }[] }).revisions;
  };

  beforeAll(async () => {
    workspace = await makeWorkspace({
      order: "",
      "config.ini": text(0),
      "config-sync.yaml": "sources: [{ file: config.ini }]\nservices: [one]\nroots: [services]\n",
      "templates/one/service.yaml":
        "name: one\noutputs: [{ path: services/one.env, format: env:raw, template: one.hbs }]\nreload: [{ none: true }]\n",
      "templates/one/one.hbs": "VALUE={{a.value}}\n",
    });
    lay(workspace, kind);
    await start();
  });
  afterAll(async () => {
    await daemon?.stop();
    if (kind === "mounted") execFileSync("umount", [workspace.at("config.ini")]);
    await workspace?.remove();
  });

  test.each(kind === "mounted" ? inPlace : renaming)(
    "killed at %s: nothing is lost, and nothing is left",
    async (step) => {
      const [before, next] = [value, ++value];
      const [head] = await history();
      writeFileSync(workspace.at("order"), `${step} 1`);
      const url = `/api/v1/settings/a/value?message=change-${next}`;
      await expect(callDaemon(socket(), { method: "PUT", url, body: { value: `${next}` } })).rejects.toThrow();
      await expect(daemon.waitForLine(/a line that never comes/)).rejects.toThrow("The daemon ended");
      writeFileSync(workspace.at("order"), "");

      await start();
      // Content and revision go to the disk side by side: at "staged", which nobody was answered, either may have been first.
      const isRecorded =
        step === "staged" ? (await history())[0]?.message === `change-${next}` : step !== "staging-begun";
      value = isRecorded ? next : before;
      await expect.poll(() => readFileSync(workspace.at("services/one.env"), "utf8")).toBe(`VALUE=${value}\n`);
      expect(config()).toBe(text(value));
      const revisions = await history();
      expect(revisions.map(({ number }) => number)).toEqual(revisions.map((_, index) => revisions.length - index));
      expect(revisions[0]?.number).toBe((head?.number ?? 0) + (isRecorded ? 1 : 0));
      if (isRecorded) expect(revisions[0]?.message).toBe(`change-${next}`);
      await expect.poll(() => git("show", "main:default/config.ini")).toBe(config());
      // The history goes on for a moment with what comes after a commit.
      await expect.poll(() => leftovers(workspace)).toEqual([]);
    },
  );
});

function text(value: number): string {
  return `; what people may change\n[a]\n# the value\nvalue = ${value}\nmore = ${"x".repeat(5000)}\n`;
}

function lay({ at }: Workspace, kind: (typeof kinds)[number]): void {
  if (kind === "plain") return;
  mkdirSync(at("elsewhere"));
  writeFileSync(at("elsewhere/config.ini"), text(0));
  if (kind === "mounted") execFileSync("mount", ["--bind", at("elsewhere/config.ini"), at("config.ini")]);
  else {
    execFileSync("rm", [at("config.ini")]);
    symlinkSync(at("elsewhere/config.ini"), at("config.ini"));
  }
}

/** Stagings and journal records. */
function leftovers({ folder }: Workspace): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /^(\.config-sync-|in-place-)/.test(path.basename(name)));
}
