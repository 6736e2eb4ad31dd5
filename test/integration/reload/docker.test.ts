import { copyFile, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDocker } from "../../../src/platform/docker.ts";
import { reloadOf } from "../../../src/reload/index.ts";
import { actionContext, eventually, plantedSecret, startHungServer } from "../../support/action-context.ts";
import { type Dockerd, startDockerd } from "../../support/dockerd.ts";
import { startHttpService } from "../../support/http-service.ts";
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
      // Its two outputs come on two ways: which is first is not known.
      says: /sh in container web ended with exit code 3: (out\n|.*\nout$)/,
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
    await reload.stop?.(spec, context);
    await reload.start?.(spec, context);
    await reload.start?.(spec, context);
    expect(await reload.isRunning?.(spec, context)).toBe(true);
  });

  const restart = { container: "web", action: "restart", timeout: "0s" };
  const hangUp = { container: "web", action: "signal", signal: "HUP" };
  const command = { container: "web", action: "exec", command: ["true"] };

  test.each([restart, hangUp, command])("a paused container is waited for, and stays paused: $action", async (spec) => {
    const web = dockerd.docker.getContainer("web");
    await web.pause();
    await expect(act(spec)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
      message: "container web is paused",
    });
    expect((await web.inspect()).State.Paused).toBe(true);
    await web.unpause();
    await act(spec);
  });

  test.each([hangUp, command])("a container that does not run is waited for: $action", async (spec) => {
    const web = dockerd.docker.getContainer("web");
    await web.stop({ t: 0 });
    await expect(act(spec)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
      message: "container web is exited",
    });
    await web.start();
    await act(spec);
  });

  const restartPolicy = (name: string) => ({ HostConfig: { RestartPolicy: { Name: name } } });

  test("a signal does not end a restart loop", async () => {
    await dockerd.run("loop", { cmd: ["false"], more: restartPolicy("always") });
    const loop = dockerd.docker.getContainer("loop");
    await eventually(async () => expect((await loop.inspect()).State.Status).toBe("restarting"));
    const { RestartCount } = await loop.inspect();
    await expect(act({ ...hangUp, container: "loop" })).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: "container loop is restarting",
    });
    await eventually(async () => expect((await loop.inspect()).RestartCount).toBeGreaterThan(RestartCount + 1));
    await loop.remove({ force: true });
  });

  test.each(["always", "unless-stopped"])(
    "a signal leaves the restart policy %s in force: the container comes back when it ends",
    async (policy) => {
      const cmd = [
        "sh",
        "-c",
        "trap 'touch /dev/shm/told' HUP; trap 'exit 3' USR1; touch /dev/shm/ready; while true; do sleep 0.05; done",
      ];
      await dockerd.run("kept", { cmd, more: { ...restartPolicy(policy), User: "nobody" } });
      const kept = dockerd.docker.getContainer("kept");
      const exists = (file: string) => act({ container: "kept", action: "exec", command: ["test", "-e", file] });
      await eventually(() => exists("/dev/shm/ready"));
      await act({ ...hangUp, container: "kept" });
      await eventually(() => exists("/dev/shm/told"));
      await act({ container: "kept", action: "exec", command: ["kill", "-USR1", "1"], user: "nobody" });
      await eventually(async () => expect((await kept.inspect()).RestartCount).toBe(1));
      await kept.remove({ force: true });
    },
  );

  test("a signal also reaches a container that has a restart policy and no shell", async () => {
    const more = { ...restartPolicy("always"), Entrypoint: ["/shared/sh"] };
    const cmd = [
      "-c",
      "trap '/shared/sh -c \"echo told > /shared/bare\"' HUP; while true; do /shared/busybox sleep 0.05; done",
    ];
    for (const name of ["sh", "busybox"]) await copyFile("/bin/busybox", path.join(dockerd.folder, name));
    await makeBareImage(dockerd);
    await dockerd.run("bare", { image: "bare:test", cmd, binds: [`${dockerd.folder}:/shared`], more });
    await act({ ...hangUp, container: "bare" });
    await eventually(async () => expect(await readFile(path.join(dockerd.folder, "bare"), "utf8")).toContain("told"));
    await dockerd.docker.getContainer("bare").remove({ force: true });
  });

  test("each start is another incarnation, and so is another container of the name; one that is down has none", async () => {
    const reload = reloadOf("docker");
    const context = actionContext({ docker: connection(dockerd.host) });
    const incarnation = () => reload.incarnation?.(reload.schema.parse(restart), context);
    const before = Date.now();
    const ids = new Set<string | undefined>();
    const web = dockerd.docker.getContainer("web");
    await act(hangUp);
    for (const step of [() => act(restart), () => web.restart({ t: 0 }), recreate]) {
      await step();
      const { id, startedAt } = (await incarnation()) ?? { id: "", startedAt: 0 };
      ids.add(id);
      expect(startedAt).toBeGreaterThanOrEqual(before);
      expect(await incarnation()).toEqual({ id, startedAt });
    }
    expect(ids.size).toBe(3);
    await dockerd.docker.getContainer("web").stop({ t: 0 });
    expect(await incarnation()).toBeUndefined();
    await dockerd.docker.getContainer("web").start();

    async function recreate() {
      await web.remove({ force: true });
      await dockerd.run("web", { cmd: ["sleep", "1000"] });
    }
  });

  test("names the container that hints are about", () => {
    const reload = reloadOf("docker");
    expect(reload.thing?.(reload.schema.parse(restart))).toEqual({ kind: "container", name: "web" });
  });
});

describe("docker reload through a socket proxy", () => {
  test("restarts a container that it may not look at", async () => {
    const asked: string[] = [];
    const forbidden = { status: 403, body: "<html>403 Forbidden</html>" };
    const proxy = await startHttpService({
      "/_ping": { headers: { "Api-Version": "1.41" } },
      "/v1.41/containers/web/json": forbidden,
      "/v1.41/containers/web/restart?t=0": ({ method, path: asking }) => {
        asked.push(`${method} ${asking}`);
        return { status: 204 };
      },
    });
    const reload = reloadOf("docker");
    const spec = reload.schema.parse({ container: "web", action: "restart", timeout: "0s" });
    await reload.run(spec, actionContext({ docker: connection(`tcp://127.0.0.1:${proxy.port}`) }));
    expect(asked).toEqual(["POST /v1.41/containers/web/restart?t=0"]);
    await proxy.stop();
  });
});

/** An image with nothing in it but the folder that is mounted. */
async function makeBareImage(dockerd: Dockerd): Promise<void> {
  const rootfs = path.join(dockerd.folder, "bare-rootfs");
  await mkdir(path.join(rootfs, "shared"), { recursive: true });
  await dockerd.importRootfs("bare:test", rootfs);
}

function connection(host: string) {
  return () => createDocker({ host });
}
