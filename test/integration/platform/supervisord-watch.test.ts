import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSupervisord, type Supervisord } from "../../../src/platform/supervisord.ts";
import { watchPrograms } from "../../../src/platform/supervisord-watch.ts";
import { eventually } from "../../support/action-context.ts";
import { type SupervisordServer, startSupervisord } from "../../support/supervisord.ts";

const everything = "*";
const never = new AbortController().signal;

describe("the watch over programs", () => {
  let server: SupervisordServer;
  let supervisord: Supervisord;
  let stop: (() => Promise<void>) | undefined;
  let hints: string[];
  const programs = {
    web: { command: "sleep 1000" },
    other: { command: "sleep 1000" },
    ill: { command: "false", startsecs: 60, autostart: false },
  };
  beforeAll(async () => {
    server = await startSupervisord(programs);
    supervisord = await createSupervisord({ url: server.url });
  });
  afterAll(() => server?.stop());
  afterEach(() => stop?.());

  const hinted = (name: string) => eventually(() => expect(hints).toContain(name));
  const watching = async () => {
    hints = [];
    const onHint = ({ name = everything }: { name?: string | undefined }) => hints.push(name);
    stop = watchPrograms(() => createSupervisord({ url: server.url }), onHint, { every: 20 });
    await hinted(everything);
  };

  test("tells of every end and start, and of nobody else", async () => {
    await watching();
    for (const step of [supervisord.stop, supervisord.start, supervisord.restart]) {
      hints.length = 0;
      await step("web", never);
      await hinted("web");
    }
    process.kill((await supervisord.info("web", never)).pid, "SIGKILL");
    hints.length = 0;
    await hinted("web");
    expect(new Set(hints)).toEqual(new Set(["web"]));
  });

  test("tells of a program that fails to start", async () => {
    await watching();
    await supervisord.start("ill", AbortSignal.timeout(1500)).catch(() => undefined);
    await hinted("ill");
    await supervisord.stop("ill", never);
  });

  test("tells of programs that come and go", async () => {
    await watching();
    await server.write({ ...programs, late: { command: "sleep 1000" } });
    await supervisord.update("late", never);
    await hinted("late");
    await server.write(programs);
    hints.length = 0;
    await supervisord.update("late", never);
    await hinted("late");
  });

  test("when supervisord was gone, anything may have happened", async () => {
    await watching();
    await server.down();
    hints.length = 0;
    await server.up();
    await hinted(everything);
  });

  test("tells nothing after its end", async () => {
    await watching();
    await stop?.();
    hints.length = 0;
    await supervisord.restart("web", never);
    expect(hints).toEqual([]);
  });
});
