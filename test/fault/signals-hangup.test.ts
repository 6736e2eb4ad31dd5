/** SIGHUP: everything is read again while the daemon goes on, at the worst moments, too. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import { watchWork } from "../../src/api/watched-work.ts";
import { readLedger } from "../../src/sync/ledger.ts";
import { askStatus, isWatched } from "../support/ask-daemon.ts";
import { type Daemon, runCli } from "../support/workspace.ts";
import { seeded } from "./random.ts";
import { lay, patience, reloads, service, settings, settles, start, stopQuickly, values } from "./support/noting.ts";

/** SIGHUP, and what came of it. */
async function hangUp(daemon: Daemon, outcome: RegExp = /settings +read again/): Promise<string> {
  const from = daemon.lines.length;
  process.kill(daemon.pid, "SIGHUP");
  return daemon.waitForLine(outcome, from);
}

describe("SIGHUP", () => {
  test("takes up what is new and other, leaves alone what is gone, and disturbs nothing else", async () => {
    const files = { ...service("same"), ...service("other"), ...service("gone"), ...service("new") };
    const workspace = await lay(["same", "other", "gone"], files);
    const daemon = await start(workspace);
    await settles(workspace, ["same", "other", "gone"], "first");
    await workspace.saveByRename("config-sync.yaml", settings(["same", "other", "new"], "secrets: [a.b]\n"));
    await workspace.saveByRename("templates/other/it.hbs", "value {{it.value}} of another kind\n");
    const line = await hangUp(daemon);
    expect(line).toMatch(/3 services; new: new; gone: gone; other: other; other settings: secrets$/);
    await vi.waitFor(
      () => expect(readFileSync(workspace.at("other.live"), "utf8")).toContain("another kind"),
      patience,
    );
    await vi.waitFor(async () => {
      const { services, daemon: about } = await askStatus(workspace);
      expect(services.map(({ name, state }) => `${name} ${state}`)).toEqual([
        "same healthy",
        "other healthy",
        "new healthy",
      ]);
      expect(about?.pid).toBe(daemon.pid);
    }, patience);
    expect(["same", "other", "gone", "new"].map((name) => reloads(workspace, name))).toEqual([1, 2, 1, 1]);
    expect((await readLedger(workspace.at("state/ledger.jsonl"))).record("gone").healthy?.revision).toBe(1);
    expect(await workspace.read("services/gone.conf")).toBe("value first\n");
    await workspace.saveByRename("config.ini", values("second"));
    await vi.waitFor(() => expect(readFileSync(workspace.at("new.live"), "utf8")).toBe("value second\n"), patience);
    expect(await workspace.read("services/gone.conf")).toBe("value first\n");
    expect(await daemon.stop()).toBe(0);
  });

  test.each([
    ["settings", "config-sync.yaml", "nonsense: true\n", /no setting "nonsense"/],
    ["settings that are no YAML", "config-sync.yaml", "sources: [\n", /config-sync.yaml:\d+/],
    ["a manifest", "templates/a/service.yaml", "name: a\noutputs: 5\n", /templates\/a\/service.yaml:2/],
    ["a template", "templates/a/it.hbs", "{{#if}", /templates\/a\/it.hbs/],
  ])("with %s that cannot be used changes nothing and says why, until they can", async (_, file, bad, why) => {
    const workspace = await lay(["a"], service("a"));
    const daemon = await start(workspace);
    await settles(workspace, ["a"], "first");
    const good = await workspace.read(file);
    await workspace.saveByRename(file, bad);
    await hangUp(daemon, why);
    await workspace.saveByRename("config.ini", values("second"));
    await settles(workspace, ["a"], "second");
    const shown = await runCli(["status", "-w", workspace.folder]);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(why) });
    expect(shown.stdout).toContain(`daemon ${daemon.pid}`);
    await workspace.saveByRename(file, good);
    await hangUp(daemon);
    expect((await askStatus(workspace)).problems).toEqual([]);
    expect(reloads(workspace, "a")).toBe(2);
    expect(await daemon.stop()).toBe(0);
  });

  test("loses no change that is made while another workspace takes its place", async () => {
    const workspace = await lay(["a"], service("a"));
    const daemon = await start(workspace);
    await settles(workspace, ["a"], "first");
    const socket = workspace.at("state/daemon.sock");
    let isOver = false;
    const change = async (): Promise<readonly [number, number]> => {
      let [made, refused] = [0, 0];
      while (!isOver) {
        const url = "/api/v1/settings/it/other";
        const answer = await callDaemon(socket, { method: "PUT", url, body: { value: `other-${made}` } });
        if (answer?.status === 200) made++;
        else refused++;
        const app = { method: "PUT", url: "/api/apps/shop/config/count", body: { value: made } } as const;
        if ((await callDaemon(socket, app))?.status !== 200) refused++;
      }
      return [made, refused];
    };
    const made = await callDaemon(socket, { method: "POST", url: "/api/apps/shop", body: { data: {} } });
    expect(made?.status).toBe(201);
    const changing = change();
    for (let round = 0; round < 8; round++) {
      await workspace.saveByRename("config-sync.yaml", settings(["a"], `secrets: [a.b${round}]\n`));
      await hangUp(daemon);
    }
    isOver = true;
    const [count, refused] = await changing;
    expect(count).toBeGreaterThan(0);
    expect(refused).toBe(0);
    expect(await workspace.read("config.ini")).toContain(`other = other-${count - 1}`);
    expect((await askStatus(workspace)).problems).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  });

  test("with a source that cannot be used waits for it, on the last good values", async () => {
    const workspace = await lay(["a"], { ...service("a"), ...service("b") });
    const daemon = await start(workspace);
    await settles(workspace, ["a"], "first");
    const two = settings(["a", "b"]).replace("{ file: config.ini }", "{ file: config.ini }, { file: more.ini }");
    await workspace.saveByRename("config-sync.yaml", two);
    await hangUp(daemon, /more\.ini.*what was read before stays in force/);
    await workspace.saveByRename("config.ini", values("second"));
    await settles(workspace, ["a"], "second");
    await workspace.saveByRename("more.ini", values("third"));
    await settles(workspace, ["a", "b"], "third");
    expect((await askStatus(workspace)).problems).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  });

  test("does not follow another state folder", async () => {
    const workspace = await lay(["a"], service("a"));
    const daemon = await start(workspace);
    await workspace.saveByRename("config-sync.yaml", settings(["a"], "state: elsewhere\n"));
    await hangUp(daemon, /state leads to .*elsewhere.*cannot leave .*Stop config-sync/);
    await workspace.saveByRename("config.ini", values("second"));
    await settles(workspace, ["a"], "second");
    expect(existsSync(workspace.at("elsewhere"))).toBe(false);
    expect(await daemon.stop()).toBe(0);
  });

  test("in the middle of a turn breaks it off, and who waits for it is answered after the next one", async () => {
    const slow = service("a", { before: "test -e quick || sleep 40;" });
    const workspace = await lay(["a"], { ...slow, ...service("b") });
    const daemon = await start(workspace);
    await vi.waitFor(() => expect(reloads(workspace, "a")).toBe(1), patience);
    const events: unknown[] = [];
    const call = { method: "POST", url: "/api/v1/apply?timeout=1m" } as const;
    const applying = watchWork(workspace.at("state/daemon.sock"), call, (event) => events.push(event));
    await isWatched(workspace);
    await workspace.saveByRename("quick", "");
    await workspace.saveByRename("config-sync.yaml", settings(["a", "b"]));
    await hangUp(daemon);
    expect(await applying).toMatchObject({ status: 200, body: { outcome: "healthy" } });
    for (const name of ["a", "b"])
      expect(events).toContainEqual({ type: "service", service: name, step: "healthy", text: "on revision 1" });
    await settles(workspace, ["a", "b"], "first");
    expect(reloads(workspace, "a")).toBe(2);
    expect(await daemon.stop()).toBe(0);
  });

  test("counts when it comes before the daemon is ready", async () => {
    const workspace = await lay(["a"], service("a"));
    const daemon = workspace.startDaemon();
    await vi.waitFor(() => expect(existsSync(workspace.at("state/daemon.sock"))).toBe(true), patience);
    process.kill(daemon.pid, "SIGHUP");
    const line = await daemon.waitForLine(/settings +read again: 1 service; nothing is different/);
    await settles(workspace, ["a"], "first");
    // Only a reload that was cut off comes again.
    const before = daemon.lines.slice(0, daemon.lines.indexOf(line)).join("\n");
    const isCutOff = /a +reloading/.test(before) && !/a +healthy/.test(before);
    expect(reloads(workspace, "a")).toBeGreaterThanOrEqual(1);
    expect(reloads(workspace, "a")).toBeLessThanOrEqual(isCutOff ? 2 : 1);
    expect(await daemon.stop()).toBe(0);
  });

  test("again and again amid changes leaves nothing open, and ends on the newest", async () => {
    const workspace = await lay(["a"], { ...service("a"), ...service("b") });
    const daemon = await start(workspace);
    const random = seeded(7);
    const openFiles = () => readdirSync(`/proc/${daemon.pid}/fd`).length;
    await hangUp(daemon);
    await settles(workspace, ["a"], "first");
    const before = openFiles();
    for (let round = 0; round < 25; round++) {
      await workspace.saveByRename("config-sync.yaml", settings(round % 2 === 0 ? ["a", "b"] : ["a"]));
      await workspace.saveByRename("config.ini", values(`round${round}`));
      process.kill(daemon.pid, "SIGHUP");
      await sleep(random.below(60)); // the moments are what this is about
      process.kill(daemon.pid, "SIGHUP");
    }
    await settles(workspace, ["a", "b"], "round24");
    await vi.waitFor(() => expect(openFiles()).toBeLessThanOrEqual(before + 3), patience);
    expect(daemon.lines.join("\n")).not.toMatch(/INTERNAL|torn|Warning/);
    expect(await daemon.stop()).toBe(0);
  });

  test("followed by SIGTERM at any moment ends in order, and the next start goes on", async () => {
    const workspace = await lay(["a"], service("a"));
    const random = seeded(11);
    for (let round = 0; round < 5; round++) {
      const daemon = await start(workspace);
      await workspace.saveByRename("config.ini", values(`round${round}`));
      process.kill(daemon.pid, "SIGHUP");
      await sleep(random.below(50)); // the moments are what this is about
      await stopQuickly(daemon);
      expect(readdirSync(workspace.at("state")).toSorted()).not.toContain("daemon.sock");
    }
    const daemon = await start(workspace);
    await settles(workspace, ["a"], "round4");
    expect(daemon.lines.join("\n")).not.toMatch(/torn|another version/);
    expect(await daemon.stop()).toBe(0);
  });

  test("of a terminal that was closed ends the daemon", async () => {
    const workspace = await lay(["a"], service("a"));
    const main = new URL("../../src/main.ts", import.meta.url).pathname;
    const command = `echo $$ > pid; exec ${process.execPath} ${main} start -w ${workspace.folder}`;
    const terminal = spawn("script", ["-qc", command, "/dev/null"], { cwd: workspace.folder, stdio: "pipe" });
    await settles(workspace, ["a"], "first");
    const pid = Number(await workspace.read("pid"));
    terminal.kill("SIGKILL");
    await once(terminal, "exit");
    await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), patience);
    expect(existsSync(workspace.at("state/daemon.sock"))).toBe(false);
  });
});
