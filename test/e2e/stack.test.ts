import { afterAll } from "vitest";
import type { StatusReport } from "../../src/sync/status.ts";
import { startStack } from "../support/stack.ts";
import { tellStackStory } from "../support/stack-story.ts";
import { runCli } from "../support/workspace.ts";

const ends: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

tellStackStory("the daemon on the host", async () => {
  const stack = await startStack();
  ends.push(stack.stop);
  const daemon = stack.workspace.startDaemon();
  ends.push(daemon.stop);
  await daemon.waitForLine(/watching/);
  return {
    stack,
    status: async () => {
      const { stdout } = await runCli(["status", "--json", "--workspace", stack.workspace.folder]);
      return JSON.parse(stdout) as StatusReport;
    },
  };
});
