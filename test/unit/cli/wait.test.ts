import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/program.ts";

let workspace: string;
const sockets = new Set<Socket>();
const mute = createServer((socket) => void sockets.add(socket));

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), "config-sync-wait-"));
  await writeFile(join(workspace, "config-sync.yaml"), "sources: [{ file: config.ini }]\nservices: []\nroots: [.]\n");
  await mkdir(join(workspace, "state"));
  await new Promise<void>((resolve) => mute.listen(join(workspace, "state", "daemon.sock"), resolve));
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
  await rm(workspace, { recursive: true });
});

// Within the time of a test, which is less than a daemon is given otherwise.
test("wait is over when its time is, also where a daemon hangs that has the socket open", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(await runCommandLine(["wait", "--timeout", "300ms", "--workspace", workspace, "--no-color"])).toBe(1);
  expect(said.mock.calls.join("")).toContain("not ready in time: no daemon answers on this workspace");
});
