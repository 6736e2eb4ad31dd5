import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Dockerd, startDockerd } from "../support/dockerd.ts";
import { type Greeters, makeGreeters } from "../support/greeters.ts";
import type { Daemon } from "../support/workspace.ts";

/** One service a container, one container a way to be told. */
const names = ["restarted", "signalled", "commanded"] as const;
const actions = {
  restarted: "action: restart, timeout: 2s",
  signalled: "action: signal, signal: HUP",
  commanded: "action: exec, command: [kill, -HUP, '1']",
};

describe("Docker misbehaves", () => {
  let dockerd: Dockerd;
  let greeters: Greeters;
  let daemon: Daemon;

  const runContainer = (name: string) =>
    dockerd.run(name, {
      cmd: ["sh", "/config/run.sh", "/config"],
      binds: [`${greeters.folder(name)}:/config`],
      more: { HostConfig: { RestartPolicy: { Name: "always" } } },
    });
  const container = (name: string) => dockerd.docker.getContainer(name);

  beforeAll(async () => {
    dockerd = await startDockerd();
    greeters = await makeGreeters(
      Object.fromEntries(
        names.map((name) => [
          name,
          {
            reload: `{ docker: { container: ${name}, ${actions[name]} } }`,
            probe: `docker: { container: ${name} }`,
          },
        ]),
      ),
      `docker: { host: "${dockerd.host}" }\nsync: { retry_first: 50ms, retry_longest: 400ms }`,
    );
    for (const name of names) await runContainer(name);
    daemon = await greeters.start();
  });
  afterAll(async () => {
    await greeters?.stop();
    await dockerd?.stop();
  });

  const all = (check: (name: string) => Promise<unknown>) => Promise.all(names.map(check));
  const settle = (greeting: string) => all((name) => greeters.settles(name, greeting));
  const wait = (message: (name: string) => string) =>
    all((name) => greeters.becomes(name, "waiting", new RegExp(message(name))));
  const statusIs = (name: string, status: string) =>
    vi.waitFor(async () => expect((await container(name).inspect()).State.Status).toBe(status), { timeout: 60_000 });

  test("while Docker is gone a change waits for it, by name; when it is back the change is live", async () => {
    await dockerd.down();
    await greeters.save(names, "after the gap");
    await wait(() => `Docker cannot be reached at ${dockerd.socket}: there is no such socket`);
    await dockerd.up();
    await settle("after the gap");
  });

  test("Docker hangs: a change waits, and nothing is taken back", async () => {
    dockerd.hang();
    await greeters.save(names, "after the sleep");
    await wait(() => `Docker at ${dockerd.socket} did not answer`);
    dockerd.wake();
    await settle("after the sleep");
  });

  test("a container that is gone is waited for, and the one that takes its name is told", async () => {
    await all((name) => container(name).remove({ force: true }));
    await greeters.save(names, "made anew");
    await wait((name) => `there is no container named "${name}"`);
    await all(runContainer);
    await settle("made anew");
  });

  test("a paused container is waited for and stays paused", async () => {
    await all((name) => container(name).pause());
    await greeters.save(names, "unpaused");
    await wait((name) => `container ${name} is paused`);
    await all((name) => statusIs(name, "paused"));
    await all((name) => container(name).unpause());
    await settle("unpaused");
  });

  test("a change that sends a container into a restart loop is taken back, and the loop ends", async () => {
    await greeters.save(names, "broken");
    await all((name) => greeters.becomes(name, "rolled-back", /not healthy after /));
    await all((name) => statusIs(name, "running"));
    expect(await all(greeters.live)).toEqual(names.map(() => "unpaused"));
    await greeters.save(names, "mended");
    await settle("mended");
  });

  test.each(["signalled", "commanded"])("a container in a restart loop of its own is waited for: %s", async (name) => {
    await greeters.setIll(name, true);
    await container(name).restart({ t: 0 });
    await statusIs(name, "restarting");
    await greeters.save(name, "well again");
    await greeters.becomes(name, "waiting", new RegExp(`container ${name} is restarting`));
    await greeters.setIll(name, false);
    // Docker tries it again after ever longer pauses.
    await statusIs(name, "running");
    await greeters.settles(name, "well again");
  });

  test("Docker dies in the middle of a restart: it is carried out when Docker is back", async () => {
    await makeDeaf();
    const from = daemon.lines.length;
    await greeters.save("restarted", "cut off");
    await daemon.waitForLine(/reloading: restart container restarted/, from);
    await dockerd.crash();
    await greeters.becomes("restarted", "waiting", /Docker cannot be reached at .*: nobody listens there/);
    await dockerd.up();
    await greeters.settles("restarted", "cut off");
  });

  test("a container that does not listen to SIGTERM is restarted all the same, and holds nobody else up", async () => {
    await makeDeaf();
    const from = daemon.lines.length;
    await greeters.save("restarted", "killed");
    await daemon.waitForLine(/reloading: restart container restarted/, from);
    await greeters.save("signalled", "meanwhile");
    await greeters.settles("signalled", "meanwhile");
    expect((await greeters.status("restarted")).state).toBe("working");
    await greeters.settles("restarted", "killed");
  });

  /** From now on Docker waits in vain for it to end, for as long as the manifest says. */
  async function makeDeaf(): Promise<void> {
    await greeters.makeDeaf("restarted");
    await container("restarted").restart({ t: 0 });
  }
});
