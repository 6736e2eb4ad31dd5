import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askDaemon } from "../../../src/api/control-client.ts";
import { type ControlHandlers, serveControl } from "../../../src/api/control-server.ts";
import { ConfigSyncError } from "../../../src/errors.ts";

let folder: string;
let socket: string;
let server: AsyncDisposable | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-sync-control-"));
  socket = path.join(folder, "daemon.sock");
});

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  await rm(folder, { recursive: true });
});

const never = (): Promise<never> => new Promise(() => undefined);
const silent: ControlHandlers = { status: never, apply: never, reload: never, retry: never, api: never };

describe("the control socket", () => {
  test.each(["/apply", "/reload?service=web", "/retry?service=web"])(
    "begins the answer to %s before there is anything to tell",
    async (route) => {
      server = await serveControl(socket, silent);
      const asked = request({ socketPath: socket, method: "POST", path: route, agent: false });
      asked.on("error", () => undefined).end();
      const [answer] = await once(asked, "response");
      expect(answer.statusCode).toBe(200);
      asked.destroy();
    },
  );

  test("hands an error of the work to who asked", async () => {
    const refuse = async () => {
      throw new ConfigSyncError("NOT_FOUND", "there is no service", { hint: "Those are: web" });
    };
    server = await serveControl(socket, { ...silent, reload: refuse });
    const read = async () => {
      for await (const event of (await askDaemon(socket, "POST", "/reload?service=x")) ?? [])
        expect(event).toBeUndefined();
    };
    const expected = { code: "NOT_FOUND", message: "there is no service", hint: "Those are: web" };
    await expect(read()).rejects.toMatchObject(expected);
  });

  test("is nobody's where no daemon runs, and one daemon's where one does", async () => {
    expect(await askDaemon(socket, "GET", "/status")).toBeUndefined();
    server = await serveControl(socket, silent);
    await expect(serveControl(socket, silent)).rejects.toMatchObject({ code: "DAEMON_RUNNING" });
  });

  test("that breaks off in the middle of an answer is said to have ended", async () => {
    const { promise: told, resolve } = Promise.withResolvers<void>();
    const apply: ControlHandlers["apply"] = (emit) => {
      emit({ type: "input-healed" });
      resolve();
      return never();
    };
    const dying = await serveControl(socket, { ...silent, apply });
    const read = async () => {
      for await (const event of (await askDaemon(socket, "POST", "/apply")) ?? [])
        expect(event).toEqual({ type: "input-healed" });
    };
    const reading = read();
    await Promise.all([
      expect(reading).rejects.toMatchObject({ code: "DAEMON_ABSENT", message: expect.stringContaining("middle") }),
      told.then(() => dying[Symbol.asyncDispose]()),
    ]);
  });

  test("is known from another server's", async () => {
    const other = createServer((_, response) => void response.end("<html>")).listen(socket);
    await once(other, "listening");
    const read = async () => {
      for await (const event of (await askDaemon(socket, "GET", "/status")) ?? []) expect(event).toBeUndefined();
    };
    await expect(read()).rejects.toMatchObject({
      code: "DAEMON_ABSENT",
      message: expect.stringContaining("is no daemon of ours"),
    });
    other.close();
  });

  test.runIf(process.platform === "linux")("lets nobody hold on to its lock", async () => {
    server = await serveControl(socket, silent);
    const name = createHash("sha256")
      .update(await realpath(folder))
      .digest("hex");
    const stranger = connect({ path: `\0config-sync:${name}` });
    await once(stranger, "close");
    expect(stranger.destroyed).toBe(true);
  });
});
