import { connect } from "node:net";
import { expect, test } from "vitest";
import { probeOf } from "../../../src/probe/index.ts";
import { actionContext, plantedSecret, startHungServer } from "../../support/action-context.ts";
import { leash } from "../../support/leash.ts";
import { probeContract } from "../../support/probe-contract.ts";
import { freePort } from "../../support/supervisord.ts";

probeContract("tcp", async () => {
  const listening = await startHungServer();
  const full = await startFullServer();
  const closed = { host: "127.0.0.1", port: await freePort() };
  return {
    healthy: { spec: { host: "127.0.0.1", port: String(listening.port) } },
    unhealthy: { spec: closed, says: /127.0.0.1:\d+: nobody listens/ },
    absent: { spec: { host: "no-such-host.invalid", port: 80 } },
    hung: { spec: { host: "127.0.0.1", port: full.port } },
    revealing: [closed],
    stop: async () => {
      await listening.stop();
      await full.stop();
    },
  };
});

test("tcp probe: a host name that holds a secret is not shown", async () => {
  const { detail } = await probeOf("tcp").check(
    { host: `${plantedSecret}.invalid`, port: 1, timeout: 1000 },
    actionContext(),
  );
  expect(detail).toContain("[secret].invalid:1");
});

/** A server that stands still, its queue of connections full: the kernel drops every further one without a word. */
async function startFullServer() {
  const { start, release } = await leash("full");
  const port = await freePort();
  const listen = `require("net").createServer().listen({ port: ${port}, host: "127.0.0.1", backlog: 1 })`;
  const server = start([process.execPath, "-e", listen]);
  const join = () => connect({ host: "127.0.0.1", port }).on("error", () => {});
  await server.becomes(
    () =>
      new Promise<boolean>((resolve) => {
        const first = join();
        first.on("connect", () => resolve(true)).on("error", () => resolve(false));
      }),
  );
  server.signal("SIGSTOP");
  const waiting = Array.from({ length: 8 }, join);
  return {
    port,
    stop: async () => {
      for (const one of waiting) one.destroy();
      await release();
    },
  };
}
