import { describe, expect, test } from "vitest";
import { Secret } from "../../../src/config/secret.ts";
import { createSupervisord } from "../../../src/platform/supervisord.ts";
import { probeOf } from "../../../src/probe/index.ts";
import { actionContext, eventually, startHungServer } from "../../support/action-context.ts";
import { probeContract } from "../../support/probe-contract.ts";
import { startSupervisord } from "../../support/supervisord.ts";

probeContract("supervisord", async () => {
  const server = await startSupervisord({
    web: { command: "sleep 1000" },
    broken: { command: "false", startsecs: 60, startretries: 0 },
  });
  const hung = await startHungServer();
  const context = { supervisord: () => createSupervisord({ url: server.url }) };
  const signal = new AbortController().signal;
  const connected = await context.supervisord();
  await eventually(async () => expect((await connected.info("broken", signal)).state).toBe("FATAL"));
  return {
    healthy: { spec: { program: "web" }, context },
    unhealthy: { spec: { program: "broken" }, context, says: /program broken is FATAL: Exited too quickly/ },
    absent: { spec: { program: "no-such" }, context },
    hung: {
      spec: { program: "web" },
      context: { supervisord: () => createSupervisord({ url: `http://127.0.0.1:${hung.port}` }) },
    },
    revealing: [{ program: "web" }],
    stop: async () => {
      await hung.stop();
      await server.stop();
    },
  };
});

describe("supervisord probe", () => {
  test("when supervisord itself does not answer, nothing is known of the program", async () => {
    const server = await startSupervisord({});
    const supervisord = () => createSupervisord({ url: server.url });
    const check = () => probeOf("supervisord").check({ program: "web" }, actionContext({ supervisord }));
    expect(await check()).not.toHaveProperty("unanswered");
    await server.down();
    expect(await check()).toMatchObject({ healthy: false, unanswered: true });
    await server.stop();
  });

  test("a wrong password is an error: asking again cannot mend it", async () => {
    const server = await startSupervisord({});
    const { url, username } = server.tcp;
    const supervisord = () => createSupervisord({ url, username, password: new Secret("wrong") });
    const asked = probeOf("supervisord").check({ program: "web" }, actionContext({ supervisord }));
    await expect(asked).rejects.toMatchObject({ code: "UNREACHABLE", retryable: false });
    await server.stop();
  });
});
