import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/program.ts";

const settings = `
sources: [{ file: config.ini }]
services: []
roots: [.]
history: { memory: true }
`;

let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), "config-sync-owner-"));
  await writeFile(join(workspace, "config-sync.yaml"), settings);
  await writeFile(join(workspace, "config.ini"), "[web]\nport = 1\n");
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(workspace, { recursive: true });
});

async function run(...args: string[]): Promise<{ code: number; said: string }> {
  const written = (["stdout", "stderr"] as const).map((name) => vi.spyOn(process[name], "write").mockReturnValue(true));
  const code = await runCommandLine([...args, "--workspace", workspace, "--no-color"]);
  const said = written.flatMap(({ mock }) => mock.calls.map(([text]) => String(text))).join("");
  return { code, said };
}

test("without a daemon nothing is changed in the state folder of another user, also by root; to look is free", async () => {
  expect(await run("apply")).toMatchObject({ code: 0 });
  const { uid } = await stat(join(workspace, "state", "ledger.jsonl"));
  vi.spyOn(process, "getuid").mockReturnValue(uid + 1);
  for (const command of [["set", "web.port=2"], ["apply"], ["secrets", "encrypt"]]) {
    const { code, said } = await run(...command);
    expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(/is for user \d+, and this is user \d+\./) });
  }
  expect(await readFile(join(workspace, "config.ini"), "utf8")).toBe("[web]\nport = 1\n");
  expect(await run("get", "web.port")).toEqual({ code: 0, said: expect.stringContaining("1\n") });
  expect(await run("plan")).toMatchObject({ code: 0 });
});
