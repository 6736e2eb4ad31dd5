import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDocker } from "../../../src/platform/docker.ts";
import { reloadOf } from "../../../src/reload/index.ts";
import { actionContext, eventually, plantedSecret, startHungServer } from "../../support/action-context.ts";
import { type Dockerd, startDockerd } from "../../support/dockerd.ts";
import { reloadContract } from "../../support/reload-contract.ts";

reloadContract("docker", async () => {
  const dockerd = await startDockerd();
  const hung = await startHungServer();
  const docker = connection(dockerd.host);
  await dockerd.run("web", { cmd: ["sleep", "1000"] });
  const startedAt = async () => (await dockerd.docker.getContainer("web").inspect()).State.StartedAt;
  const before = await startedAt();
  const exec = { container: "web", action: "exec" };
  return {
    success: {
      spec: { container: "web", action: "restart", timeout: "0s" },
      context: { docker },
      happened: async () => expect(await startedAt()).not.toBe(before),
    },
    refused: {
      spec: { ...exec, command: ["sh", "-c", `echo out; echo ${plantedSecret} >&2; exit 3`] },
      context: { docker },
      says: /sh in container web ended with exit code 3: out\n/,
    },
    unreachable: { spec: { container: "no-such", action: "restart" }, context: { docker } },
    hung: { spec: { container: "web", action: "restart" }, context: { docker: connection(`unix://${hung.socket}`) } },
    revealing: [{ container: "web", action: "restart" }],
    stop: async () => {
      await hung.stop();
      await dockerd.stop();
    },
  };
});

describe("docker reload", () => {
  let dockerd: Dockerd;
  beforeAll(async () => {
    dockerd = await startDockerd();
    const script = "trap 'echo got HUP >> /shared/log' HUP; touch /shared/ready; while true; do sleep 0.05; done";
    await dockerd.run("web", { cmd: ["sh", "-c", script], binds: [`${dockerd.folder}:/shared`] });
    await eventually(() => readFile(path.join(dockerd.folder, "ready"), "utf8").then(() => {}));
  });
  afterAll(() => dockerd?.stop());

  const act = (spec: unknown) => {
    const reload = reloadOf("docker");
    return reload.run(reload.schema.parse(spec), actionContext({ docker: connection(dockerd.host) }));
  };

  test("a signal reaches the container's process", async () => {
    await act({ container: "web", action: "signal", signal: "HUP" });
    await eventually(async () => expect(await readFile(path.join(dockerd.folder, "log"), "utf8")).toContain("got HUP"));
  });

  test("a command runs inside the container, as the given user in the given folder", async () => {
    const command = ["sh", "-c", '[ "$(id -un):$(pwd)" = "nobody:/tmp" ]'];
    await act({ container: "web", action: "exec", command, user: "nobody", workdir: "/tmp" });
    await expect(act({ container: "web", action: "exec", command })).rejects.toMatchObject({ code: "RELOAD_REFUSED" });
  });

  test("a command that the container does not have is refused with Docker's words", async () => {
    const missing = act({ container: "web", action: "exec", command: ["no-such-program"] });
    await expect(missing).rejects.toMatchObject({
      code: "RELOAD_REFUSED",
      message: expect.stringMatching(/exit code 12[67].*no-such-program/s),
    });
  });

  test("an unknown signal is refused for good", async () => {
    const wrong = act({ container: "web", action: "signal", signal: "NOPE" });
    await expect(wrong).rejects.toMatchObject({ code: "RELOAD_REFUSED", retryable: false });
  });

  test("knows whether the container runs, stops it, and a restart starts it again", async () => {
    const reload = reloadOf("docker");
    const spec = reload.schema.parse({ container: "web", action: "restart", timeout: "0s" });
    const context = actionContext({ docker: connection(dockerd.host) });
    expect(await reload.isRunning?.(spec, context)).toBe(true);
    await reload.stop?.(spec, context);
    expect(await reload.isRunning?.(spec, context)).toBe(false);
    await reload.stop?.(spec, context);
    await reload.run(spec, context);
    expect(await reload.isRunning?.(spec, context)).toBe(true);
  });
});

function connection(host: string) {
  return () => createDocker({ host });
}
