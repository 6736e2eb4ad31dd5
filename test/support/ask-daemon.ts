import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, vi } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import type { StatusReport } from "../../src/sync/status.ts";
import type { Workspace } from "./workspace.ts";

/** What the daemon of a workspace answers by its control socket; held for a minute at most. Fails where none runs, and for a problem. */
export async function askDaemon<T>({ at }: Pick<Workspace, "at">, method: "GET" | "POST", path: string): Promise<T> {
  const asked = { method, url: `/api/v1${path}`, held: 60_000 };
  const answer = await callDaemon(at("state/daemon.sock"), asked);
  if (answer === undefined) throw new Error("the daemon does not run");
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body as T;
}

export function askStatus(workspace: Pick<Workspace, "at">): Promise<StatusReport> {
  return askDaemon(workspace, "GET", "/status");
}

/** Waits until a command watches work of the daemon. */
export async function isWatched(workspace: Pick<Workspace, "at">): Promise<void> {
  const metrics = ["-sS", "--unix-socket", workspace.at("state/daemon.sock"), "http://daemon/metrics"];
  const look = async () => {
    const { stdout } = await promisify(execFile)("curl", metrics);
    expect(stdout).toMatch(/^config_sync_event_streams 1$/m);
  };
  await vi.waitFor(look, { timeout: 20_000, interval: 50 });
  // The work is asked for when the events are followed: before others that come now are answered.
  for (let others = 0; others < 3; others++) await askStatus(workspace);
}
