import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDocker } from "../../../src/platform/docker.ts";
import { watchContainers } from "../../../src/platform/docker-watch.ts";
import { eventually } from "../../support/action-context.ts";
import { type Dockerd, startDockerd } from "../../support/dockerd.ts";

const everything = "*";
let stop: (() => Promise<void>) | undefined;
let hints: string[];

function watch(host: string): void {
  hints = [];
  stop = watchContainers(
    () => createDocker({ host }),
    ({ name = everything }) => hints.push(name),
  );
}

const hinted = (name: string) => eventually(() => expect(hints).toContain(name));
afterEach(() => stop?.());

describe("the watch over containers", () => {
  let dockerd: Dockerd;
  beforeAll(async () => {
    dockerd = await startDockerd();
    await dockerd.run("other", { cmd: ["sleep", "1000"] });
  });
  afterAll(() => dockerd?.stop());

  const watching = async () => {
    watch(dockerd.host);
    await hinted(everything);
  };

  test("tells of every start and end, each pause, each removal and each name", async () => {
    await watching();
    await dockerd.run("web", { cmd: ["sleep", "1000"] });
    const web = dockerd.docker.getContainer("web");
    const steps = [
      () => web.pause(),
      () => web.unpause(),
      () => web.kill(),
      () => web.start(),
      () => web.rename({ name: "web-2" }),
      () => dockerd.docker.getContainer("web-2").rename({ name: "web" }),
      () => web.remove({ force: true }),
    ];
    await hinted("web");
    for (const step of steps) {
      hints.length = 0;
      await step();
      await hinted("web");
    }
    expect(new Set(hints)).toEqual(new Set(["web"]));
  });

  test("tells when the health check changes its mind", async () => {
    await watching();
    await dockerd.run("checked", {
      cmd: ["sleep", "1000"],
      health: { cmd: ["test", "-e", "/tmp/ready"], everyMs: 50 },
    });
    await hinted("checked");
    const docker = await createDocker({ host: dockerd.host });
    const signal = AbortSignal.timeout(10_000);
    await eventually(async () => expect((await docker.inspect("checked", signal)).health).toBe("unhealthy"));
    hints.length = 0;
    await docker.exec("checked", ["touch", "/tmp/ready"], signal);
    await hinted("checked");
    await dockerd.docker.getContainer("checked").remove({ force: true });
  });

  test("is not woken by commands and health checks that run in containers", async () => {
    const health = { cmd: ["true"], everyMs: 20 };
    await dockerd.run("busy", { cmd: ["sleep", "1000"], health });
    const docker = await createDocker({ host: dockerd.host });
    const signal = AbortSignal.timeout(10_000);
    await eventually(async () => expect((await docker.inspect("busy", signal)).health).toBe("healthy"));
    await watching();
    for (let i = 0; i < 5; i++) await docker.exec("busy", ["true"], signal);
    await dockerd.docker.getContainer("other").pause();
    await hinted("other");
    expect(hints).toEqual([everything, "other"]);
    await dockerd.docker.getContainer("other").unpause();
  });

  test("connects again after Docker was gone, and then anything may have happened", async () => {
    await watching();
    await dockerd.down();
    hints.length = 0;
    await dockerd.up();
    await hinted(everything);
    await dockerd.docker.getContainer("other").start();
    await hinted("other");
  });

  test("outlasts a Docker that hangs", async () => {
    await watching();
    dockerd.hang();
    dockerd.wake();
    await dockerd.docker.getContainer("other").restart({ t: 0 });
    await hinted("other");
  });

  test("ends at once, connected or not", async () => {
    await watching();
    await stop?.();
    watch("unix:///no/such/docker.sock");
    await stop?.();
    await dockerd.docker.getContainer("other").restart({ t: 0 });
    expect(hints).toEqual([]);
  });
});

describe("the watch, with a strange server", () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  /** Each connection gets the next of the texts, in the given pieces, and is cut then. */
  const serve = async (texts: readonly (readonly string[])[]): Promise<string> => {
    let connections = 0;
    server = createServer(async (request, response) => {
      if (request.url?.includes("/events?") !== true) {
        response.writeHead(200, { "Api-Version": "1.41" }).end();
        return;
      }
      response.writeHead(200).flushHeaders();
      for (const piece of texts[connections++] ?? []) {
        response.write(piece);
        await new Promise(setImmediate);
      }
      response.destroy();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const event = (name: string) => `${JSON.stringify({ Actor: { Attributes: { name } } })}\n`;

  test("events are read across pieces of any size, and nonsense between them is passed over", async () => {
    const text = `${event("wäb")}null\n{"Actor":{"Attributes":{"name":7}}}\nnonsense\n\n${event("api")}`;
    watch(await serve([[text.slice(0, 31), text.slice(31, 80), text.slice(80)]]));
    await hinted("api");
    expect(hints.slice(0, 3)).toEqual([everything, "wäb", "api"]);
  });

  test("a line without an end ends the connection, and not the watch", async () => {
    watch(await serve([[event("first"), "x".repeat(3_000_000)], [event("second")]]));
    await hinted("second");
    expect(hints.slice(0, 4)).toEqual([everything, "first", everything, "second"]);
  });
});
