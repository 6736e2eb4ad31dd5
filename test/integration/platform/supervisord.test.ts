import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../../src/config/secret.ts";
import { createSupervisord, type Supervisord } from "../../../src/platform/supervisord.ts";
import { eventually } from "../../support/action-context.ts";
import { startHttpService } from "../../support/http-service.ts";
import { freePort, type SupervisordServer, startSupervisord } from "../../support/supervisord.ts";

const never = new AbortController().signal;

describe("supervisord", () => {
  let server: SupervisordServer;
  let supervisord: Supervisord;
  beforeAll(async () => {
    server = await startSupervisord(programs);
    supervisord = await createSupervisord({ url: server.url });
  });
  afterAll(() => server?.stop());

  const programs = `[program:web]
command=sleep 1000
startsecs=0
[program:twin]
command=sleep 1000
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
[program:task]
command=true
startsecs=0
autorestart=false
[program:crash]
command=false
startsecs=60
startretries=0
autostart=false
[program:slow]
command=false
startsecs=60
startretries=100
autostart=false
[program:missing]
command=/no/such/program
autostart=false
[program:stubborn]
command=sh -c 'trap "" TERM; while true; do sleep 0.05; done'
stopwaitsecs=1
startsecs=0
[program:late]
command=sh -c 'sleep 0.5; trap "" HUP; while true; do sleep 0.05; done'
startsecs=1
autostart=false
autorestart=false
`;
  const pidOf = async (program: string) => (await supervisord.info(program, never)).pid;
  const stateOf = async (program: string) => (await supervisord.info(program, never)).state;

  test("is reached over TCP with its password", async () => {
    const { url, username, password } = server.tcp;
    const connected = await createSupervisord({ url, username, password: new Secret(password) });
    expect(await connected.version(never)).toBe(await supervisord.version(never));
  });

  test("a wrong password or none is said as such, and not tried again", async () => {
    const { url, username } = server.tcp;
    for (const options of [{ url }, { url, username, password: new Secret("wrong") }]) {
      const connected = await createSupervisord(options);
      await expect(connected.version(never)).rejects.toMatchObject({ code: "UNREACHABLE", retryable: false });
    }
  });

  test("a signal waits for a program that is starting, and does not end what does not listen yet", async () => {
    const started = supervisord.start("late", never);
    await eventually(async () => expect(await stateOf("late")).toBe("STARTING"));
    const pid = await pidOf("late");
    await supervisord.signalProcess("late", "HUP", never);
    await started;
    expect(await stateOf("late")).toBe("RUNNING");
    expect(await pidOf("late")).toBe(pid);
  });

  test("a restart gives a new process, also where the program does not listen to SIGTERM", async () => {
    for (const program of ["web", "twin:twin_1", "stubborn"]) {
      const before = await pidOf(program);
      await supervisord.restart(program, never);
      expect(await pidOf(program)).not.toBe(before);
      expect(await stateOf(program)).toBe("RUNNING");
    }
  });

  test("a program of a group needs the group's name", async () => {
    await expect(supervisord.restart("twin", never)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  test("a task that ended well counts as started", async () => {
    await supervisord.restart("task", never);
  });

  test.each([
    ["crash", /crash does not start: FATAL Exited too quickly/],
    ["missing", /NO_FILE/],
  ])("%s does not come up: refused with supervisord's reason", async (program, message) => {
    await expect(supervisord.restart(program, never)).rejects.toMatchObject({
      code: "RELOAD_REFUSED",
      message: expect.stringMatching(message),
    });
  });

  test("when time is up while supervisord still tries, the reason is what kept the program from starting", async () => {
    const late = supervisord.restart("slow", AbortSignal.timeout(1500));
    await expect(late).rejects.toMatchObject({
      code: "RELOAD_REFUSED",
      message: expect.stringMatching(/BACKOFF Exited too quickly/),
    });
    await supervisord.stop("slow", never);
  });

  test("a server that hangs costs no more than the deadline", async () => {
    server.hang();
    await expect(supervisord.version(AbortSignal.timeout(300))).rejects.toMatchObject({ code: "TIMED_OUT" });
    server.wake();
  });

  test("an update touches the group that it is for, and no other", async () => {
    const [web, twin] = [await pidOf("web"), await pidOf("twin:twin_0")];
    await server.write(programs.replaceAll("sleep 1000", "sleep 1001"));
    await supervisord.update("twin", never);
    expect(await pidOf("twin:twin_0")).not.toBe(twin);
    expect(await stateOf("twin:twin_1")).toBe("RUNNING");
    expect(await pidOf("web")).toBe(web);
    await supervisord.update("web", never);
    expect(await pidOf("web")).not.toBe(web);
  });

  test("an update without a change leaves the program alone", async () => {
    const before = await pidOf("web");
    await supervisord.update("web", never);
    expect(await pidOf("web")).toBe(before);
  });

  test("an update waits for a program that is slow to stop", async () => {
    await server.write(programs.replace("sleep 0.05", "sleep 0.06"));
    const before = await pidOf("stubborn");
    await supervisord.update("stubborn", never);
    expect(await pidOf("stubborn")).not.toBe(before);
  });

  test("an update adds a new group and removes one that is gone", async () => {
    await server.write(`${programs}[program:new]\ncommand=sleep 1000\nstartsecs=0\n`);
    await supervisord.update("new", never);
    expect(await stateOf("new")).toBe("RUNNING");
    await server.write(programs);
    await supervisord.update("new", never);
    await expect(supervisord.info("new", never)).rejects.toMatchObject({ code: "UNREACHABLE" });
    await expect(supervisord.update("new", never)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  test("an update starts again what ran, although it does not start by itself", async () => {
    const manual = (seconds: number) =>
      `${programs}[program:manual]\ncommand=sleep ${seconds}\nautostart=false\nstartsecs=0\n`;
    await server.write(manual(1));
    await supervisord.update("manual", never);
    expect(await stateOf("manual")).toBe("STOPPED");
    await server.write(manual(1000));
    await supervisord.update("manual", never);
    expect(await stateOf("manual")).toBe("STOPPED");
    await supervisord.restart("manual", never);
    await server.write(manual(1001));
    await supervisord.update("manual", never);
    expect(await stateOf("manual")).toBe("RUNNING");
  });

  test("a file that cannot be read changes nothing", async () => {
    const before = await pidOf("web");
    await server.write(programs.replace("[program:web]", '[program:web]\nenvironment=A="'));
    await expect(supervisord.update("web", never)).rejects.toMatchObject({ code: "RELOAD_REFUSED", retryable: false });
    expect(await pidOf("web")).toBe(before);
  });
});

describe("supervisord, asked from one of its own programs", () => {
  // The program tries everything that would end it, and writes down how that went.
  const script = (url: string, result: string) => `
    import { writeFileSync } from "node:fs";
    import { createSupervisord } from ${JSON.stringify(path.resolve("src/platform/supervisord.ts"))};
    const supervisord = await createSupervisord({ url: ${JSON.stringify(url)} });
    const signal = AbortSignal.timeout(20_000);
    const outcomes = [];
    for (const [verb, ...rest] of [["restart"], ["stop"], ["signalProcess", "TERM"], ["update"]]) {
      const outcome = supervisord[verb]("self", ...rest, signal);
      outcomes.push(await outcome.then(() => "done", (error) => [error.code, error.retryable].join()));
    }
    await supervisord.restart("other", signal).then(() => outcomes.push("other restarted"));
    writeFileSync(${JSON.stringify(result)}, outcomes.join("\\n"));
    setInterval(() => {}, 1000);
  `;

  test.each([
    ["by its name in the environment", ""],
    ["by the process tree, where the environment was lost", "env -i "],
    ["by the process tree, as a child of the program", "env -i /bin/sh -c '\"$@\"; exit' sh "],
  ])("refuses to end itself: %s", async (_how, prefix) => {
    const server = await startSupervisord({});
    const [file, result] = [path.join(server.folder, "self.ts"), path.join(server.folder, "result")];
    await writeFile(file, script(server.url, result));
    const self = { command: `${prefix}${process.execPath} --no-warnings ${file}` };
    await server.write({ self, other: { command: "sleep 1000" } });
    const supervisord = await createSupervisord({ url: server.url });
    await supervisord.update("other", never);
    await supervisord.update("self", never);
    const refused = "RELOAD_REFUSED,false";
    await eventually(async () => {
      expect((await readFile(result, "utf8")).split("\n")).toEqual([
        refused,
        refused,
        refused,
        refused,
        "other restarted",
      ]);
    });
    await server.stop();
  });
});

describe("supervisord that is not there", () => {
  test.each([["unix:///no/such.sock"], ["tcp"]])("%s is UNREACHABLE and named", async (kind) => {
    const url = kind === "tcp" ? `http://127.0.0.1:${await freePort()}` : kind;
    const supervisord = await createSupervisord({ url });
    await expect(supervisord.version(never)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
      message: expect.stringContaining(url),
    });
  });

  test.each([[{}], [{ "/RPC2": { body: "<html>hello</html>" } }], [{ "/RPC2": { status: 500 } }]])(
    "something else that answers is UNREACHABLE",
    async (answers) => {
      const other = await startHttpService(answers);
      const supervisord = await createSupervisord({ url: other.url });
      await expect(supervisord.version(never)).rejects.toMatchObject({ code: "UNREACHABLE" });
      await other.stop();
    },
  );

  test("an address that nobody understands is a fault of the settings", async () => {
    await expect(createSupervisord({ url: "supervisor.sock" })).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });
});
