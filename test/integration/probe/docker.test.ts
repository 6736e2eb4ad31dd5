import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDocker } from "../../../src/platform/docker.ts";
import { probeOf } from "../../../src/probe/index.ts";
import { actionContext, eventually, startHungServer } from "../../support/action-context.ts";
import { type Dockerd, startDockerd } from "../../support/dockerd.ts";
import { probeContract } from "../../support/probe-contract.ts";

probeContract("docker", async () => {
  const dockerd = await startDockerd();
  const hung = await startHungServer();
  await dockerd.run("web", { cmd: ["sleep", "1000"] });
  await dockerd.run("gone", { cmd: ["true"] });
  const context = { docker: () => createDocker({ host: dockerd.host }) };
  return {
    healthy: { spec: { container: "web" }, context },
    unhealthy: { spec: { container: "gone" }, context, says: /container gone is exited/ },
    absent: { spec: { container: "no-such" }, context },
    hung: { spec: { container: "web" }, context: { docker: () => createDocker({ host: `unix://${hung.socket}` }) } },
    revealing: [{ container: "web" }],
    stop: async () => {
      await hung.stop();
      await dockerd.stop();
    },
  };
});

describe("docker probe", () => {
  let dockerd: Dockerd;
  beforeAll(async () => {
    dockerd = await startDockerd();
  });
  afterAll(() => dockerd?.stop());

  const check = (container: string) =>
    probeOf("docker").check({ container }, actionContext({ docker: () => createDocker({ host: dockerd.host }) }));

  test("a container with a health check is healthy when that says so, not when it merely runs", async () => {
    const health = { cmd: ["cat", "/tmp/ready"], everyMs: 50 };
    await dockerd.run("checked", { cmd: ["sleep", "1000"], health });
    expect(await check("checked")).toMatchObject({
      healthy: false,
      detail: expect.stringMatching(/starting|unhealthy/),
    });
    await eventually(async () => expect((await check("checked")).detail).toMatch(/unhealthy: cat: .*No such file/));
    const docker = await createDocker({ host: dockerd.host });
    await docker.exec("checked", ["touch", "/tmp/ready"], new AbortController().signal);
    await eventually(async () => expect((await check("checked")).healthy).toBe(true));
  });

  test("a container that dies and is restarted over and over is not healthy", async () => {
    const more = { HostConfig: { RestartPolicy: { Name: "always" } } };
    await dockerd.run("loop", { cmd: ["false"], more });
    await eventually(async () =>
      expect(await check("loop")).toMatchObject({
        healthy: false,
        detail: "container loop is restarting (exit code 1)",
      }),
    );
  });

  test("when Docker itself does not answer, nothing is known of the container", async () => {
    const docker = () => createDocker({ host: "unix:///no/such/docker.sock" });
    const asked = await probeOf("docker").check({ container: "web" }, actionContext({ docker }));
    expect(asked).toMatchObject({ healthy: false, unanswered: true });
    expect(await check("no-such-container")).not.toHaveProperty("unanswered");
  });

  test("a paused container is not healthy", async () => {
    await dockerd.run("frozen", { cmd: ["sleep", "1000"] });
    await dockerd.docker.getContainer("frozen").pause();
    expect(await check("frozen")).toEqual({ healthy: false, detail: "container frozen is paused" });
    await dockerd.docker.getContainer("frozen").unpause();
  });
});
