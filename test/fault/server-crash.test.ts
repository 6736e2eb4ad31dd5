/** `config-sync server` on a file, ended with SIGKILL at every step of a change, and started again. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Step } from "../../src/platform/reached.ts";
import { endServer, type StartedServer, startServer } from "../support/server.ts";

const hook = new URL("support/step-hook.ts", import.meta.url).pathname;
const key = "a-key-for-tests-only";
const text = (value: number): string => `# kept\nserver:\n  port: ${value} # a remark\n`;

let folder: string;
let running: ChildProcess[];
let server: StartedServer;
let value = 0;

const file = () => path.join(folder, "app.yaml");
const order = () => path.join(folder, "order");

async function start(): Promise<void> {
  const env = { CONFIG_SYNC_API_KEY: key, NODE_OPTIONS: `--import=${hook}`, FATAL_STEP: order() };
  server = await startServer(folder, ["--config", file()], env, running);
}

async function ask(method: "GET" | "PUT", url: string, body?: object) {
  const answer = await fetch(`${server.at}${url}`, {
    method,
    headers: { "x-api-key": key, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as {
    readonly value: unknown;
    readonly versions: readonly { readonly version: number; readonly author: string; readonly message: string }[];
  };
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "config-sync-server-crash-"));
  running = [];
  writeFileSync(order(), "");
  writeFileSync(file(), text(value));
  await start();
});

afterAll(async () => {
  for (const child of running) await endServer(child, "SIGKILL");
  rmSync(folder, { recursive: true });
});

const steps: readonly Step[] = ["staging-begun", "staged", "recorded", "renamed", "folders-synced"];

test.each(steps)(
  "killed at %s: the file is the old one or the new one, the history says which, and nothing is left",
  async (step) => {
    const [before, next] = [value, ++value];
    const { versions: earlier } = await ask("GET", "/configs/default/versions");
    writeFileSync(order(), `${step} 1`);
    const change = ask("PUT", `/api/apps/default/config/server/port?message=change-${next}`, { value: next });
    await expect(change).rejects.toThrow();
    writeFileSync(order(), "");
    await start();
    const { versions } = await ask("GET", "/configs/default/versions");
    const isRecorded = versions[0]?.message === `change-${next}`;
    // Content and revision go to the disk side by side: at "staged" either may have been first.
    if (step !== "staged") expect(isRecorded).toBe(step !== "staging-begun");
    value = isRecorded ? next : before;
    expect(readFileSync(file(), "utf8")).toBe(text(value));
    expect((await ask("GET", "/api/apps/default/config/server.port")).value).toBe(value);
    expect(versions).toHaveLength(earlier.length + (isRecorded ? 1 : 0));
    expect(readdirSync(folder).toSorted()).toEqual([".config-sync", "app.yaml", "order"]);
  },
);
