import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Supervisord } from "../../src/platform/supervisord.ts";
import type { Greeters } from "../support/greeters.ts";
import type { SupervisordServer } from "../support/supervisord.ts";
import type { Daemon } from "../support/workspace.ts";
import { programs as names, type SupervisedGreeters, superviseGreeters } from "./support/supervised.ts";

describe("supervisord misbehaves", () => {
  let supervised: SupervisedGreeters | undefined;
  let server: SupervisordServer;
  let supervisord: Supervisord;
  let greeters: Greeters;
  let daemon: Daemon;

  beforeAll(async () => {
    supervised = await superviseGreeters("{ retry_first: 50ms, retry_longest: 400ms }");
    ({ server, supervisord, greeters } = supervised);
    daemon = await greeters.start();
  });
  afterAll(() => supervised?.stop());

  const never = new AbortController().signal;
  const all = (check: (name: string) => Promise<unknown>) => Promise.all(names.map(check));
  const settle = (greeting: string) => all((name) => greeters.settles(name, greeting));
  const wait = (message: string) => all((name) => greeters.becomes(name, "waiting", new RegExp(message)));
  const stateIs = (name: string, state: string) =>
    expect.poll(async () => (await supervisord.info(name, never)).state).toBe(state);
  /** Ends the program; what comes of it then is supervisord's. */
  const kill = async (name: string) => process.kill((await supervisord.info(name, never)).pid, "SIGKILL");

  test("while supervisord is gone a change waits for it, by name; when it is back the change is live", async () => {
    await server.down();
    await greeters.save(names, "after the gap");
    await wait(`supervisord cannot be reached at ${server.url}: there is no such socket`);
    await server.up();
    await settle("after the gap");
  });

  test("supervisord hangs: a change waits, and nothing is taken back", async () => {
    server.hang();
    await greeters.save(names, "after the sleep");
    await wait(`supervisord at ${server.url} did not answer`);
    server.wake();
    await settle("after the sleep");
  });

  test("a program in BACKOFF is waited for, and told when it runs", async () => {
    await greeters.setIll("signalled", true);
    await kill("signalled");
    await stateIs("signalled", "BACKOFF");
    await greeters.save("signalled", "well again");
    await greeters.becomes("signalled", "waiting", /program signalled is BACKOFF: Exited too quickly/);
    await greeters.setIll("signalled", false);
    await greeters.settles("signalled", "well again");
  });

  test("a change is what a program that supervisord gave up was waiting for", async () => {
    await all((name) => greeters.setIll(name, true));
    await all(kill);
    await all((name) => stateIs(name, "FATAL"));
    await all((name) => greeters.setIll(name, false));
    await greeters.save(names, "tried again");
    await settle("tried again");
  });

  test("a program that a person stopped is waited for, where only a running one can be told", async () => {
    await supervisord.stop("signalled", never);
    await greeters.save("signalled", "started again");
    await greeters.becomes("signalled", "waiting", /program signalled is STOPPED/);
    expect((await supervisord.info("signalled", never)).state).toBe("STOPPED");
    const before = await greeters.loads("signalled");
    await supervisord.start("signalled", never);
    await greeters.settles("signalled", "started again");
    // At its start, and when it was told: a signal on its way would find the greeting of the next test.
    await expect.poll(() => greeters.loads("signalled")).toBe(before + 2);
  });

  test("a change that a program does not survive is taken back, and the program runs as before", async () => {
    const before = await Promise.all(names.map(greeters.live));
    await greeters.save(names, "broken");
    await greeters.becomes("restarted", "rolled-back", /restarted does not start: (BACKOFF|FATAL) Exited too quickly/);
    await greeters.becomes("signalled", "rolled-back", /not healthy after .*program signalled is (BACKOFF|FATAL)/);
    await all((name) => stateIs(name, "RUNNING"));
    expect(await Promise.all(names.map(greeters.live))).toEqual(before);
    await greeters.save(names, "mended");
    await settle("mended");
  });

  test("supervisord ends in the middle of a restart: it is carried out when supervisord is back", async () => {
    await makeDeaf();
    const from = daemon.lines.length;
    await greeters.save("restarted", "cut off");
    await daemon.waitForLine(/reloading: restart program restarted/, from);
    const down = server.down();
    await greeters.becomes("restarted", "waiting", /supervisord (is shutting down|cannot be reached)/);
    await down;
    await server.up();
    await greeters.settles("restarted", "cut off");
  });

  /** From now on supervisord waits in vain for it to end, for as long as `stopwaitsecs`. */
  async function makeDeaf(): Promise<void> {
    await greeters.makeDeaf("restarted");
    const before = (await supervisord.info("restarted", never)).pid;
    await kill("restarted");
    const now = async () => {
      const { pid, state } = await supervisord.info("restarted", never);
      return { state, isNew: pid !== before };
    };
    await expect.poll(now).toEqual({ state: "RUNNING", isNew: true });
  }
});
