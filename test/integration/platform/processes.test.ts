import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redactor } from "../../../src/config/secret.ts";
import { type CommandOptions, runCommand } from "../../../src/platform/processes.ts";
import { eventually, plantedSecret } from "../../support/action-context.ts";
import { type Leash, leash } from "../../support/leash.ts";

const run = (argv: readonly string[], options: Partial<CommandOptions> = {}) => {
  const signal = new AbortController().signal;
  return runCommand(argv, { signal, timeout: 20_000, redact: redactor([plantedSecret]), ...options });
};
const shell = (script: string, options?: Partial<CommandOptions>) => run(["sh", "-c", script], options);

describe("runCommand", () => {
  test("gives exit code and both outputs", async () => {
    expect(await shell("echo out; echo err >&2; exit 3")).toEqual({ exitCode: 3, output: "out\nerr\n" });
  });

  test("arguments are no shell text", async () => {
    const { output } = await run(["printf", "%s|", "a b", "$(reboot)", "; ls", "*", '"']);
    expect(output).toBe('a b|$(reboot)|; ls|*|"|');
  });

  test("a program that was killed ends with 128 + the signal's number", async () => {
    expect(await shell("kill -9 $$")).toMatchObject({ exitCode: 137 });
  });

  test("nothing of our environment reaches the program but PATH, HOME, LANG and TZ", async () => {
    process.env.CONFIG_SYNC_TEST_PASSWORD = plantedSecret;
    const { output } = await run(["env"], { env: { GREETING: "hello" } });
    delete process.env.CONFIG_SYNC_TEST_PASSWORD;
    const names = output
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0] ?? "");
    expect(names).toContain("PATH");
    expect(names).toContain("GREETING");
    expect(names.filter((name) => !["PATH", "HOME", "LANG", "TZ", "GREETING"].includes(name))).toEqual([]);
  });

  test("standard input is empty, or what it is given, also when nobody reads it", async () => {
    expect((await run(["cat"])).output).toBe("");
    expect((await run(["cat"], { input: "ä\n" })).output).toBe("ä\n");
    expect(await run(["true"], { input: "x".repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });

  test("secrets and terminal escapes do not come out", async () => {
    const { output } = await run(["printf", `\\033[31mred\\033[0m ${plantedSecret} \\007\\r\\n`]);
    expect(output).toBe("red [secret] �\n");
  });

  test("of a long output the beginning and the end are kept", async () => {
    const { output } = await shell("echo BEGIN; head -c 3000000 /dev/zero | tr '\\0' x; echo END");
    expect(output).toMatch(/^BEGIN\nx+\n… \d+ bytes left out …\nx+END\n$/);
    expect(output.length).toBeLessThanOrEqual(64 * 1024 + 100);
  });

  test.each([
    [["/no/such/program"], {}, /no such program/],
    [["no-such-program"], {}, /no such program/],
    [["/etc/passwd"], {}, /not executable/],
    [["true"], { cwd: "/no/such/folder" }, /no such folder/],
  ])("%j cannot be started: UNREACHABLE, and a retry is of no use", async (argv, options, says) => {
    await expect(run(argv, options)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: false,
      message: expect.stringMatching(says),
    });
  });

  test("a NUL character is refused, and not repeated", async () => {
    const error = await run(["true", `${plantedSecret}\0`]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "VALUE_INVALID" });
    expect(String(error)).not.toContain(plantedSecret);
  });
});

describe("runCommand, when time is up", () => {
  let place: Leash;
  beforeAll(async () => {
    place = await leash("processes");
  });
  afterAll(() => place?.release());

  const alive = (pid: number) => existsSync(`/proc/${pid}/exe`);
  const pidIn = async (file: string) => Number((await readFile(path.join(place.folder, file), "utf8")).trim());
  const background = (file: string) => `sleep 1000 & echo $! > ${place.folder}/${file}`;

  test("ends the grandchildren too", async () => {
    await expect(shell(`${background("a")}; wait`, { timeout: 300 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    await eventually(async () => expect(alive(await pidIn("a"))).toBe(false));
  });

  test("ends what does not listen to SIGTERM", async () => {
    const deaf = `trap '' TERM; ${background("b")}; echo $$ > ${place.folder}/b2; wait; sleep 1000`;
    await expect(shell(deaf, { timeout: 300 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    for (const file of ["b", "b2"]) await eventually(async () => expect(alive(await pidIn(file))).toBe(false));
  });

  test("comes back although a process that left the group holds the output open, and lets that live", async () => {
    const started = performance.now();
    const escaped = `setsid sh -c 'echo $$ > ${place.folder}/c; exec sleep 1000' & wait`;
    await expect(shell(escaped, { timeout: 300 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(alive(await pidIn("c"))).toBe(true);
    process.kill(await pidIn("c"), "SIGKILL");
  });

  test("does not wait for a daemon that the program leaves behind, and lets it live", async () => {
    expect(await shell(`echo started; ${background("d")}; exit 0`)).toEqual({ exitCode: 0, output: "started\n" });
    expect(alive(await pidIn("d"))).toBe(true);
    process.kill(await pidIn("d"), "SIGKILL");
  });

  test("an abort ends it as well", async () => {
    const controller = new AbortController();
    const running = shell(`${background("e")}; wait`, { signal: controller.signal });
    await eventually(async () => expect(alive(await pidIn("e"))).toBe(true));
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "TIMED_OUT" });
    await eventually(async () => expect(alive(await pidIn("e"))).toBe(false));
  });
});
