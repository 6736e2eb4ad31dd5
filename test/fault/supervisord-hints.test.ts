import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Supervisord } from "../../src/platform/supervisord.ts";
import type { Greeters } from "../support/greeters.ts";
import type { SupervisordServer } from "../support/supervisord.ts";
import { programs as names, type SupervisedGreeters, superviseGreeters } from "./support/supervised.ts";

/** Retries come after many seconds here: what happens earlier happens because a look at supervisord found something. */
const sync = "{ retry_first: 40s, retry_longest: 60s, check_every: 10m }";

describe("what happens to a program without a change", () => {
  let supervised: SupervisedGreeters | undefined;
  let server: SupervisordServer;
  let supervisord: Supervisord;
  let greeters: Greeters;

  beforeAll(async () => {
    supervised = await superviseGreeters(sync);
    ({ server, supervisord, greeters } = supervised);
    await greeters.start();
  });
  afterAll(() => supervised?.stop());

  const never = new AbortController().signal;
  const stateIs = (name: string, state: string) =>
    expect.poll(async () => (await supervisord.info(name, never)).state).toBe(state);

  test("a program that a person stops is said to be down, stays down, and is healthy when it is started", async () => {
    await supervisord.stop("restarted", never);
    await greeters.becomes("restarted", "waiting", /program restarted is STOPPED/);
    await stateIs("restarted", "STOPPED");
    await supervisord.start("restarted", never);
    await greeters.becomes("restarted", "healthy");
  });

  test("a program that supervisord gave up is said to be, and is healthy when it is started", async () => {
    await greeters.setIll("signalled", true);
    process.kill((await supervisord.info("signalled", never)).pid, "SIGKILL");
    await greeters.becomes("signalled", "waiting", /program signalled is (BACKOFF|FATAL): Exited too quickly/);
    await stateIs("signalled", "FATAL");
    await greeters.setIll("signalled", false);
    await supervisord.start("signalled", never);
    await greeters.becomes("signalled", "healthy");
  });

  test("a change for a program that failed before is not blamed for it", async () => {
    await greeters.setIll("restarted", true);
    process.kill((await supervisord.info("restarted", never)).pid, "SIGKILL");
    await greeters.becomes("restarted", "waiting", /program restarted is (BACKOFF|FATAL)/);
    await stateIs("restarted", "FATAL");
    await greeters.save("restarted", "innocent");
    await greeters.becomes("restarted", "waiting", /restarted does not start/);
    await greeters.setIll("restarted", false);
    await supervisord.start("restarted", never);
    await greeters.settles("restarted", "innocent");
  });

  test("a change that waits for supervisord is live soon after supervisord is back", async () => {
    await server.down();
    await greeters.save(names, "no need to wait");
    for (const name of names) await greeters.becomes(name, "waiting", /supervisord cannot be reached/);
    await server.up();
    for (const name of names) await greeters.settles(name, "no need to wait");
  });
});
