/** SIGTERM and SIGINT in the middle of something: over within a second, and the next start goes on. */
import { rm } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { lay, patience, reloads, service, settles, start, stopQuickly, values } from "./support/noting.ts";

describe("the end in the middle of a turn", () => {
  const healthy =
    'probe:\n  command: { argv: ["test", "-e", "well"] }\n  backoff: { initial: 20ms, max: 50ms, give_up: 60s }\n';

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s breaks a slow reload off, and the next start reloads",
    async (signal) => {
      const workspace = await lay(["a"], service("a", { before: "test -e quick || sleep 30;" }));
      const daemon = await start(workspace);
      await vi.waitFor(() => expect(reloads(workspace, "a")).toBe(1), patience);
      await stopQuickly(daemon, signal);
      await workspace.saveByRename("quick", "");
      const next = await start(workspace);
      await settles(workspace, ["a"], "first");
      expect(reloads(workspace, "a")).toBe(2);
      expect(await next.stop()).toBe(0);
    },
  );

  test("a reload that does not care about SIGTERM is killed", async () => {
    const workspace = await lay(["a"], service("a", { before: "trap '' TERM; sleep 30 & wait;" }));
    const daemon = await start(workspace);
    await vi.waitFor(() => expect(reloads(workspace, "a")).toBe(1), patience);
    await stopQuickly(daemon);
  });

  test("a long wait for health is over at once, and the next start asks again without reloading", async () => {
    const workspace = await lay(["a"], service("a", { rest: healthy }));
    const daemon = await start(workspace);
    await daemon.waitForLine(/a +asking:/);
    await stopQuickly(daemon);
    await workspace.saveByRename("well", "");
    const next = await start(workspace);
    await settles(workspace, ["a"], "first");
    expect(reloads(workspace, "a")).toBe(1);
    expect(await next.stop()).toBe(0);
  });

  test("a source that is being written without a pause does not hold it up", async () => {
    const workspace = await lay(["a"], service("a"));
    const daemon = await start(workspace);
    await settles(workspace, ["a"], "first");
    const writing = setInterval(() => void workspace.saveInPlace("config.ini", values("x".repeat(50))), 5);
    try {
      await daemon.waitForLine(/written without a pause/, 0, 20_000);
      await stopQuickly(daemon);
    } finally {
      clearInterval(writing);
    }
    await rm(workspace.at("config.ini"), { force: true });
  });
});
