import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { StatusReport } from "../../src/sync/status.ts";
import { configIni, type Stack, serviceNames } from "./stack.ts";

/** The main promise, told on real services: whoever runs the daemon, a saved change is live, and a bad one is taken back. */
export function tellStackStory(
  who: string,
  start: () => Promise<{ stack: Stack; status: () => Promise<StatusReport> }>,
): void {
  describe(who, () => {
    let stack: Stack;
    let status: () => Promise<StatusReport>;

    beforeAll(async () => {
      ({ stack, status } = await start());
    });

    const allSay = (text: string) => Object.fromEntries(serviceNames.map((name) => [name, text]));
    const becomes = (text: string) => expect.poll(() => stack.askAll(), { timeout: 20_000 }).toEqual(allSay(text));
    const settles = (wanted: Record<string, string>) =>
      expect
        .poll(async () => Object.fromEntries((await status()).services.map(({ name, state }) => [name, state])), {
          timeout: 30_000,
        })
        .toEqual(wanted);
    const healthy = { web: "healthy", api: "healthy", worker: "healthy", proxy: "healthy" };

    test("at start every service comes onto config.ini", async () => {
      await becomes("first");
      await settles(healthy);
    });

    test("a change by rename is live in every service", async () => {
      await stack.workspace.saveByRename("config.ini", configIni("renamed"));
      await becomes("renamed");
    });

    test("a change in place is live in every service", async () => {
      await stack.workspace.saveInPlace("config.ini", configIni("in place"));
      await becomes("in place");
    });

    test("a change by sed -i is live in every service", async () => {
      await stack.workspace.sed("s/= in place/= by sed/", "config.ini");
      await becomes("by sed");
      await settles(healthy);
    });

    test("what is not ours in the files is still there", async () => {
      expect(await readFile(stack.workspace.at("services/web/.env"), "utf8")).toMatch(/^# kept\nOTHER=1\n/);
      expect(await readFile(stack.workspace.at("services/api/api.json"), "utf8")).toContain(
        '// kept\n  "other": [1,2],',
      );
    });

    test("a value that the service's own check refuses changes nothing, and status says why", async () => {
      const before = await stack.workspace.read("services/nginx/nginx.conf");
      await stack.workspace.saveByRename("config.ini", configIni("by sed", { size: "lots" }));
      await settles({ ...healthy, proxy: "refused" });
      expect(await stack.workspace.read("services/nginx/nginx.conf")).toBe(before);
      expect(await stack.askAll()).toEqual(allSay("by sed"));
      expect(troubleOf(await status(), "proxy")).toContain('"client_max_body_size" directive invalid value');
    });

    test("a value that makes a service unhealthy is taken back, and status says why", async () => {
      const before = await stack.workspace.read("services/web/.env");
      await stack.workspace.saveByRename("config.ini", configIni("by sed", { web: "broken" }));
      await settles({ ...healthy, web: "rolled-back" });
      expect(await stack.workspace.read("services/web/.env")).toBe(before);
      expect(await stack.askAll()).toEqual(allSay("by sed"));
      expect(troubleOf(await status(), "web")).toContain("not healthy after");
    });

    test("the next good change applies", async () => {
      await stack.workspace.saveInPlace("config.ini", configIni("good again"));
      await becomes("good again");
      await settles(healthy);
    });
  });
}

function troubleOf({ services }: StatusReport, service: string): string {
  return services.find(({ name }) => name === service)?.trouble?.message ?? "";
}
