import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSupervisord, type Supervisord } from "../../../src/platform/supervisord.ts";
import { reloadOf } from "../../../src/reload/index.ts";
import { actionContext, eventually, plantedSecret, startHungServer } from "../../support/action-context.ts";
import { reloadContract } from "../../support/reload-contract.ts";
import { type SupervisordServer, startSupervisord } from "../../support/supervisord.ts";

reloadContract("supervisord", async () => {
  const server = await startSupervisord({ web: { command: "sleep 1000" } });
  const hung = await startHungServer();
  const supervisord = connection(server.url);
  const pid = async () => (await (await supervisord()).info("web", new AbortController().signal)).pid;
  const before = await pid();
  await server.write({ web: { command: "sleep 1000", environment: `PASSWORD="${plantedSecret}",B` } });
  return {
    success: {
      spec: { program: "web", action: "restart" },
      context: { supervisord },
      happened: async () => expect(await pid()).not.toBe(before),
    },
    refused: {
      spec: { program: "web", action: "update" },
      context: { supervisord },
      // supervisord quotes the whole line that it could not read.
      says: /Unexpected end of key\/value pairs/,
    },
    unreachable: { spec: { program: "no-such", action: "restart" }, context: { supervisord } },
    hung: {
      spec: { program: "web", action: "restart" },
      context: { supervisord: connection(`unix://${hung.socket}`) },
    },
    revealing: [{ program: "web", action: "restart" }],
    stop: async () => {
      await hung.stop();
      await server.stop();
    },
  };
});

describe("supervisord reload", () => {
  let server: SupervisordServer;
  const write = (environment: string) => `[program:web]
command=sh -c 'echo "$GREETING" >> %(here)s/said; trap "echo HUP >> %(here)s/said" HUP; while true; do sleep 0.05; done'
environment=${environment}
startsecs=0
`;
  beforeAll(async () => {
    server = await startSupervisord(write('GREETING="one"'));
  });
  afterAll(() => server?.stop());

  const act = (spec: unknown) => {
    const reload = reloadOf("supervisord");
    return reload.run(reload.schema.parse(spec), actionContext({ supervisord: connection(server.url) }));
  };
  const said = () => readFile(path.join(server.folder, "said"), "utf8");

  test("a signal reaches the program", async () => {
    await eventually(async () => expect(await said()).toBe("one\n"));
    await act({ program: "web", action: "signal", signal: "HUP" });
    await eventually(async () => expect(await said()).toBe("one\nHUP\n"));
  });

  test("a changed environment needs an update: a restart keeps the old one", async () => {
    await server.write(write('GREETING="two"'));
    await act({ program: "web", action: "restart" });
    await eventually(async () => expect(await said()).toBe("one\nHUP\none\n"));
    await act({ program: "web", action: "update" });
    await eventually(async () => expect(await said()).toBe("one\nHUP\none\ntwo\n"));
  });

  test("a file that supervisord cannot read is refused for good, and the program runs on", async () => {
    const connected = await createSupervisord({ url: server.url });
    const { pid } = await connected.info("web", new AbortController().signal);
    await server.write(write(`GREETING="${plantedSecret}`));
    await expect(act({ program: "web", action: "update" })).rejects.toMatchObject({
      code: "RELOAD_REFUSED",
      retryable: false,
      message: expect.stringContaining("supervisord.conf"),
    });
    expect(await connected.info("web", new AbortController().signal)).toMatchObject({ state: "RUNNING", pid });
  });

  test("knows whether the program runs, stops it, and a restart starts it again", async () => {
    const reload = reloadOf("supervisord");
    const spec = reload.schema.parse({ program: "web", action: "restart" });
    const context = actionContext({ supervisord: connection(server.url) });
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
});

describe("supervisord reload of a program that does not run", () => {
  let server: SupervisordServer;
  let supervisord: Supervisord;
  const never = new AbortController().signal;
  beforeAll(async () => {
    server = await startSupervisord(`[program:web]
command=sh -c 'test -e %(here)s/good || exit 1; trap "echo HUP >> %(here)s/said" HUP; while true; do sleep 0.05; done'
startsecs=3
startretries=2
[program:twin]
command=sleep 1000
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
`);
    supervisord = await createSupervisord({ url: server.url });
  });
  afterAll(() => server?.stop());

  const reload = reloadOf("supervisord");
  const context = () => actionContext({ supervisord: connection(server.url) });
  const hangUp = reload.schema.parse({ program: "web", action: "signal", signal: "HUP" });
  const stateIs = (state: string) =>
    eventually(async () => expect((await supervisord.info("web", never)).state).toBe(state));
  const waits = (message: string) =>
    expect(reload.run(hangUp, context())).rejects.toMatchObject({ code: "UNREACHABLE", retryable: true, message });

  test("in BACKOFF a signal waits; what supervisord gave up is started instead; what a person stopped waits", async () => {
    await stateIs("BACKOFF");
    await waits("program web is BACKOFF: Exited too quickly (process log may have details)");
    await stateIs("FATAL");
    await expect(reload.run(hangUp, context())).rejects.toMatchObject({ code: "RELOAD_REFUSED" });
    await stateIs("FATAL");
    await writeFile(path.join(server.folder, "good"), "");
    await reload.run(hangUp, context());
    await stateIs("RUNNING");
    await supervisord.stop("web", never);
    await waits("program web is STOPPED");
    await supervisord.start("web", never);
    await reload.run(hangUp, context());
    await eventually(async () => expect(await readFile(path.join(server.folder, "said"), "utf8")).toBe("HUP\n"));
  });

  test("each start is another incarnation, for a group that of any of its processes; what is down has none", async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const twins = reload.schema.parse({ program: "twin", action: "update" });
    const one = reload.schema.parse({ program: "twin:twin_1", action: "restart" });
    const other = reload.schema.parse({ program: "twin:twin_0", action: "restart" });
    const incarnation = (spec: unknown) => reload.incarnation?.(spec, context());
    const [bothBefore, otherBefore] = [await incarnation(twins), await incarnation(other)];
    await supervisord.restart("twin:twin_1", never);
    const both = await incarnation(twins);
    expect(both?.id).not.toBe(bothBefore?.id);
    expect(await incarnation(twins)).toEqual(both);
    expect(await incarnation(other)).toEqual(otherBefore);
    expect((await incarnation(one))?.startedAt).toBeGreaterThanOrEqual(before);
    await supervisord.stop("twin:twin_1", never);
    expect(await incarnation(one)).toBeUndefined();
    const nobody = reload.schema.parse({ program: "twin", action: "restart" });
    await expect(incarnation(nobody)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  test("names the program that hints are about", () => {
    expect(reload.thing?.(hangUp)).toEqual({ kind: "program", name: "web" });
  });
});

function connection(url: string) {
  return () => createSupervisord({ url });
}
