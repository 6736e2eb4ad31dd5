import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Dockerd, startDockerd } from "../support/dockerd.ts";
import { type Greeters, makeGreeters } from "../support/greeters.ts";
import type { Daemon } from "../support/workspace.ts";

/** `once` has no restart policy: when it ends, nobody starts it again. */
const actions = {
  restarted: "action: restart, timeout: 2s",
  signalled: "action: signal, signal: HUP",
  once: "action: signal, signal: HUP",
};
const names = Object.keys(actions);

/** Retries come after many seconds here: what happens earlier happens because of an event. */
const sync = "sync: { retry_first: 40s, retry_longest: 60s, check_every: 10m }";

describe("what happens to a container without a change", () => {
  let dockerd: Dockerd;
  let greeters: Greeters;
  let daemon: Daemon;

  const runContainer = (name: string, service = name) =>
    dockerd.run(name, {
      cmd: ["sh", "/config/run.sh", "/config"],
      binds: [`${greeters.folder(service)}:/config`],
      ...(service !== "once" && { more: { HostConfig: { RestartPolicy: { Name: "always" } } } }),
    });
  const container = (name: string) => dockerd.docker.getContainer(name);
  const statusIs = (name: string, status: string) =>
    expect.poll(async () => (await container(name).inspect()).State.Status).toBe(status);

  beforeAll(async () => {
    dockerd = await startDockerd();
    const manners = Object.entries(actions).map(([name, action]) => [
      name,
      { reload: `{ docker: { container: ${name}, ${action} } }`, probe: `docker: { container: ${name} }` },
    ]);
    greeters = await makeGreeters(Object.fromEntries(manners), `docker: { host: "${dockerd.host}" }\n${sync}`);
    for (const name of names) await runContainer(name);
    daemon = await greeters.start();
  });
  afterAll(async () => {
    await greeters?.stop();
    await dockerd?.stop();
  });

  test("a container that a person stops is said to be down, stays down, and is healthy when it is started", async () => {
    await container("restarted").stop({ t: 0 });
    await greeters.becomes("restarted", "waiting", /container restarted is exited/);
    await statusIs("restarted", "exited");
    await container("restarted").start();
    await greeters.becomes("restarted", "healthy");
  });

  test("a paused container is said to be paused", async () => {
    await container("signalled").pause();
    await greeters.becomes("signalled", "waiting", /container signalled is paused/);
    await container("signalled").unpause();
    await greeters.becomes("signalled", "healthy");
  });

  test("a container that is made anew is looked at, and not restarted", async () => {
    await container("restarted").remove({ force: true });
    await greeters.becomes("restarted", "waiting", /there is no container named "restarted"/);
    await runContainer("restarted");
    const { StartedAt } = (await container("restarted").inspect()).State;
    await greeters.becomes("restarted", "healthy");
    expect((await container("restarted").inspect()).State.StartedAt).toBe(StartedAt);
  });

  test("a container that came up before the last change, and takes the name now, is told", async () => {
    await runContainer("spare", "signalled");
    await greeters.save("signalled", "newer than the spare");
    await greeters.settles("signalled", "newer than the spare");
    await container("signalled").remove({ force: true });
    await rm(path.join(greeters.folder("signalled"), "live"));
    await container("spare").rename({ name: "signalled" });
    await greeters.settles("signalled", "newer than the spare");
  });

  test("a change for a container that was waited for is live as soon as it is there", async () => {
    await container("signalled").remove({ force: true });
    await greeters.save("signalled", "no need to wait");
    await greeters.becomes("signalled", "waiting", /there is no container named "signalled"/);
    await runContainer("signalled");
    await greeters.settles("signalled", "no need to wait");
  });

  test("a change for a container that failed before is not blamed for it", async () => {
    await greeters.setIll("restarted", true);
    await container("restarted").restart({ t: 0 });
    await greeters.becomes("restarted", "waiting", /container restarted is restarting/);
    const from = daemon.lines.length;
    await greeters.save("restarted", "innocent");
    await daemon.waitForLine(/restarted .*not healthy after/, from);
    await greeters.becomes("restarted", "waiting", /container restarted is restarting/);
    await greeters.setIll("restarted", false);
    await greeters.settles("restarted", "innocent");
  });

  test("the way back starts a container that the change ended for good", async () => {
    await greeters.save("once", "broken");
    await greeters.becomes("once", "rolled-back", /not healthy after .*container once is exited/);
    await statusIs("once", "running");
    expect(await greeters.live("once")).toBe("first");
    await greeters.save("once", "mended");
    await greeters.settles("once", "mended");
  });

  test("Docker ends while health is asked: nothing is known, so nothing is taken back", async () => {
    const live = path.join(greeters.folder("restarted"), "live");
    await rm(live);
    await mkdir(live); // so that the service cannot say what it runs on, and is asked again and again
    const from = daemon.lines.length;
    await greeters.save("restarted", "asked later");
    await daemon.waitForLine(/restarted .*asking/, from);
    await dockerd.down();
    await rm(live, { recursive: true });
    await greeters.becomes("restarted", "waiting", /Docker cannot be reached/);
    await dockerd.up();
    await greeters.settles("restarted", "asked later");
  });
});
