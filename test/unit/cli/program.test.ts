import { afterEach, describe, expect, test, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/program.ts";

afterEach(() => void vi.restoreAllMocks());

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((chunk) => {
      written[name] += String(chunk);
      return true;
    });
  }
  return { code: await runCommandLine(argv), ...written };
}

const commands = [
  "init",
  "start",
  "plan",
  "apply",
  "status",
  "validate",
  "explain",
  "reload",
  "retry",
  "doctor",
  "wait",
];

describe("help", () => {
  test("of the program lists every command, how to begin, and the exit codes", async () => {
    const { code, stdout } = await run("--help");
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    expect(stdout).toMatch(/Begin with:[\s\S]*config-sync init[\s\S]*Exit codes:[\s\S]*64[\s\S]*CONFIG_SYNC_WORKSPACE/);
  });

  test.each(commands)("of %s has examples and exit codes, and fits on a terminal of 80 columns", async (command) => {
    const { code, stdout } = await run(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: config-sync ${command} `));
    expect(stdout).toMatch(new RegExp(`Examples:\n {2}config-sync ${command}[\\s\\S]*Exit codes: 0 `));
    expect(stdout).toContain("--json");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(await run("help", command)).toEqual({ code, stdout, stderr: "" });
  });

  test("--version is a version", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe("a command line that cannot be understood ends with 64 and says why", () => {
  test.each<[argv: string[], why: RegExp]>([
    [[], /Usage: config-sync/],
    [["pln"], /unknown command 'pln'\n\(Did you mean plan\?\)/],
    [["zzzzzz"], /unknown command 'zzzzzz'/],
    [["__proto__"], /unknown command '__proto__'/],
    [["plan", "--jsn"], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [["plan", "extra"], /too many arguments for 'plan'/],
    // What was typed there by mistake may be a password.
    [["plan", "pass word."], /Expected 0 arguments but got 1\.\n/],
    [["set", "a.b=c", "--password=it's 'so'"], /unknown option '--password'\n/],
    [["start", "-psecret"], /unknown option '-p'\n/],
    [["set", "a.password=", "secret"], /assignment 2 has no value/],
    [["explain"], /missing required argument 'section.key'/],
    [["reload"], /missing required argument 'service'/],
    [["retry"], /missing required argument 'service'/],
    [["schema"], /missing required argument 'file'/],
    [["schema", "__proto__"], /there is no schema "__proto__". Write settings, service, values/],
    [["init", "a", "b"], /too many arguments for 'init'/],
    [["plan", "-w"], /option '-w, --workspace <dir>' argument missing/],
    [["start", "--log", "xml"], /--log xml is not a format. Write text or json/],
  ])("%j", async (argv, why) => {
    const { code, stdout, stderr } = await run(...argv);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(why);
  });

  test("with --json the reason is JSON, too", async () => {
    const { code, stdout } = await run("pln", "--json");
    expect(code).toBe(64);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "USAGE", message: expect.stringContaining("unknown command") },
    });
  });
});

describe("init that cannot be done ends with 1 in one line", () => {
  test.each([
    [["--preset", "nope"], /error:\S* there is no preset "nope"\. There are: minimal, websoft9\n$/],
    [["--preset", "../.."], /error:\S* there is no preset "\.\.\/\.\."/],
    [["--preset", "__proto__"], /error:\S* there is no preset "__proto__"/],
    [["/sys/nowhere"], /error:\S* the workspace cannot be made: .*\. Choose another folder.*\n$/],
    [["/dev/null"], /error:\S* the workspace cannot be made: .*\. Choose another folder.*\n$/],
  ])("%j", async (args, why) => {
    const { code, stdout, stderr } = await run("init", ...args);
    expect({ code, stdout, lines: stderr.split("\n").length }).toEqual({ code: 1, stdout: "", lines: 2 });
    expect(stderr).toMatch(why);
  });
});

describe("without a workspace", () => {
  test.each(commands.filter((command) => !["init", "doctor", "validate"].includes(command)))(
    "%s ends with 1, names the file it misses and what to do",
    async (command) => {
      const argument = ["explain", "reload", "retry"].includes(command) ? ["x"] : [];
      const { code, stdout, stderr } = await run(command, ...argument, "--json", "-w", "/nowhere");
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^\S*error:\S* \/nowhere\/config-sync.yaml: there is no such file. Run "config-sync init"/,
      );
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: "SETTINGS_INVALID", file: "/nowhere/config-sync.yaml" },
      });
    },
  );

  test("validate and doctor find just that", async () => {
    const validated = await run("validate", "--json", "-w", "/nowhere");
    expect(validated.code).toBe(1);
    expect(JSON.parse(validated.stdout)).toMatchObject({
      findings: [{ severity: "error", text: expect.stringContaining("there is no such file") }],
    });
    const diagnosed = await run("doctor", "--json", "-w", "/nowhere");
    expect(diagnosed.code).toBe(1);
    expect(JSON.parse(diagnosed.stdout)).toMatchObject({
      checks: [{ about: "workspace", state: "failure", mend: expect.stringContaining("config-sync init") }],
    });
  });
});
