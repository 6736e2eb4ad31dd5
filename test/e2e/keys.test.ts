import { chmod, rm } from "node:fs/promises";
import { afterEach, expect, test } from "vitest";
import { runCli, type Workspace } from "../support/workspace.ts";
import { makeMinimal } from "./minimal.ts";

let workspace: Workspace;
afterEach(() => workspace.remove());

async function makeSealed(): Promise<void> {
  workspace = await makeMinimal();
  await workspace.sed("$ a encryption: { key_file: keys }", "config-sync.yaml");
}

async function askDoctor() {
  const { stdout } = await runCli(["doctor", "--json", "-w", workspace.folder]);
  const { checks } = JSON.parse(stdout) as { checks: { about: string; state: string; text: string; mend?: string }[] };
  return checks.filter(({ about }) => about === "encryption key" || about === "ledger");
}

test("doctor looks at the file of keys: whether it is there, closed to others, and opens all that is sealed", async () => {
  await makeSealed();
  expect(await askDoctor()).toMatchObject([{ state: "failure", mend: expect.stringContaining("secrets keygen") }]);
  await runCli(["secrets", "keygen", "-w", workspace.folder]);
  await runCli(["secrets", "encrypt", "-w", workspace.folder]);
  expect(await askDoctor()).toMatchObject([
    { state: "ok", text: expect.stringMatching(/seals; all sealed values open$/) },
  ]);
  await chmod(workspace.at("keys"), 0o644);
  expect(await askDoctor()).toMatchObject([{ state: "failure", mend: expect.stringContaining("chmod 600") }]);
});

test("a ledger that was sealed with a key that is gone is told of, by the log and by doctor, and stops nothing", async () => {
  await makeSealed();
  await runCli(["secrets", "keygen", "-w", workspace.folder]);
  const first = workspace.startDaemon({ args: ["--log", "text"] });
  await first.waitForLine(/demo-nginx +healthy/);
  await first.stop();
  expect(await workspace.read("state/ledger.jsonl")).toMatch(/"actions":"enc:v1:/);
  await rm(workspace.at("keys"));
  await runCli(["secrets", "keygen", "-w", workspace.folder]);
  expect(await askDoctor()).toContainEqual(
    expect.objectContaining({
      about: "ledger",
      state: "warning",
      text: expect.stringContaining("and 2 more, actions is sealed"),
    }),
  );
  const second = workspace.startDaemon({ args: ["--log", "text"] });
  await second.waitForLine(/and 2 more, actions is sealed with key \w{8}, which is not here/);
  await workspace.sed("s/^port = 8088/port = 8089/", "config.ini");
  await second.waitForLine(/demo-nginx +healthy on revision 2/);
  expect((await second.stop()) === 0 && (await askDoctor())).toMatchObject([{ state: "ok" }, { about: "ledger" }]);
});
