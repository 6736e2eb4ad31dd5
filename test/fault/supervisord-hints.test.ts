import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createSupervisord, type Supervisord } from "../../src/platform/supervisord.ts";
import { type Greeters, makeGreeters } from "../support/greeters.ts";
import { type SupervisordServer, startSupervisord } from "../support/supervisord.ts";

const names = ["restarted", "signalled"] as const;
const actions = { restarted: "action: restart", signalled: "action: signal, signal: HUP" };

/** Retries come after many seconds here: what happens earlier happens because a look at supervisord found something. */
const sync = "sync: { retry_first: 40s, retry_longest: 60s, check_every: 10m }";

describe("what happens to a program without a change", () => {
  let server: SupervisordServer;
  let supervisord: Supervisord;
  let greeters: Greeters;

  beforeAll(async () => {
    server = await startSupervisord({});
    const manners = names.map((name) => [
      name,
      {
        reload: `{ supervisord: { program: ${name}, ${actions[name]} } }`,
        probe: `supervisord: { program: ${name} }`,
      },
    ]);
    greeters = await makeGreeters(Object.fromEntries(manners), `supervisord: { url: "${server.url}" }\n${sync}`);
    const programs = names.map((name) => {
      const command = `sh ${greeters.folder(name)}/run.sh ${greeters.folder(name)}`;
      return [name, { command, startsecs: 1, startretries: 1, stopwaitsecs: 2 }];
    });
    await server.write(Object.fromEntries(programs));
    supervisord = await createSupervisord({ url: server.url });
    for (const name of names) await supervisord.update(name, never);
    await greeters.start();
  });
  afterAll(async () => {
    await greeters?.stop();
    await server?.stop();
  });

  const never = new AbortController().signal;
  const stateIs = (name: string, state: string) =>
    vi.waitFor(async () => expect((await supervisord.info(name, never)).state).toBe(state), { timeout: 15_000 });

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
