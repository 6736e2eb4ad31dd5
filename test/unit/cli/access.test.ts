import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { accessFile, type OpenedAccess, openAccess } from "../../../src/access/open.ts";
import { runCommandLine } from "../../../src/cli/program.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";

const goodPassword = "four words of little sense";
const address = "192.0.2.7";

let workspace: string;
let daemon: OpenedAccess;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), "config-sync-access-cli-"));
  await writeFile(join(workspace, "config-sync.yaml"), "sources: [{ file: config.ini }]\nservices: []\nroots: [.]\n");
  // As a running daemon has it: opened before, and not told of anything.
  daemon = await openAccess({ file: accessFile(join(workspace, "state")) });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(workspace, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `config-sync access ARGS`, with `input` on standard input. */
async function access(args: string, input?: string): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((chunk) => {
      written[name] += String(chunk);
      return true;
    });
  }
  const stdin = Object.assign(Readable.from(input === undefined ? [] : [Buffer.from(input)]), { isTTY: false });
  vi.spyOn(process, "stdin", "get").mockReturnValue(stdin as unknown as typeof process.stdin);
  const code = await runCommandLine(["access", ...args.split(" "), "--workspace", workspace, "--no-color"]);
  vi.restoreAllMocks();
  return { code, ...written };
}

async function accessJson<Data>(args: string, input?: string): Promise<Data> {
  const { code, stdout, stderr } = await access(`${args} --json`, input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Data;
}

const codeOf = (work: Promise<unknown>) => work.then(String, (error: ConfigSyncError) => error.code);

describe("a key", () => {
  test("is made, shown once, let in by a running daemon, and let in no more when it is removed", async () => {
    const made = await access("key create ci --role editor --app default --section gitea --section web --expires 90d");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const key = made.stdout.trim().split("\n").at(-1) ?? "";
    const grant = { role: "editor", apps: ["default"], sections: ["gitea", "web"] };
    expect(await daemon.authenticate({ key, address })).toEqual({ name: "ci", kind: "key", grant });

    const listed = await access("key list");
    expect(listed.stdout).toMatch(
      /^NAME +KEY +ROLE +APPS +SECTIONS +MADE +EXPIRES\nci +csk_\w{8}… +editor +default +gitea, web +\d+ s ago +20/,
    );
    expect(listed.stdout).not.toContain(key);

    expect(await access("key remove ci")).toEqual({ code: 0, stdout: "removed key ci\n", stderr: "" });
    expect(await codeOf(daemon.authenticate({ key, address }))).toBe("UNAUTHENTICATED");
    expect((await access("key list")).stdout).toBe("there are no keys\n");
  });

  test("for programs is JSON", async () => {
    const made = await accessJson<{ key: string; expiresAt: number }>(
      "key create ci --role viewer --expires 2099-06-30",
    );
    expect(made).toEqual({
      name: "ci",
      key: expect.stringMatching(/^csk_/),
      role: "viewer",
      expiresAt: Date.UTC(2099, 5, 30),
    });
    await daemon.authenticate({ key: made.key, address });
    const listed = await accessJson<{ keys: unknown[] }>("key list");
    expect(listed.keys).toEqual([
      {
        name: "ci",
        prefix: made.key.slice(0, 12),
        role: "viewer",
        createdAt: expect.any(Number),
        expiresAt: made.expiresAt,
      },
    ]);
    expect(await accessJson("key remove ci")).toEqual({ removed: "ci" });
  });

  test("is found in no file", async () => {
    const { key } = await accessJson<{ key: string }>("key create ci --role viewer");
    const file = accessFile(join(workspace, "state"));
    expect(await readFile(file, "utf8")).not.toContain(key.slice(13));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

describe("a user", () => {
  test("is made with the password from standard input, changed and removed, and a running daemon sees it", async () => {
    const made = await access("user create ann --role editor --password-stdin", `${goodPassword}\n`);
    expect(made).toEqual({ code: 0, stdout: "made user ann\n", stderr: "" });
    const login = (password: string) => daemon.login({ user: "ann", password, address });
    const { access: token } = await login(goodPassword);
    expect(await daemon.authenticate({ token, address })).toMatchObject({ grant: { role: "editor" } });

    expect((await access("user grant ann --role viewer --section web")).stdout).toBe("ann is viewer now\n");
    expect(await codeOf(daemon.authenticate({ token, address }))).toBe("UNAUTHENTICATED");
    expect((await access("user list")).stdout).toMatch(
      /^NAME +ROLE +APPS +SECTIONS +MADE\nann +viewer +all +web +\d+ s ago\n$/,
    );

    const other = "another four words of it";
    expect((await access("user password ann --password-stdin", other)).stdout).toBe("changed the password of ann\n");
    expect(await codeOf(login(goodPassword))).toBe("UNAUTHENTICATED");
    await login(other);

    expect((await access("user remove ann")).stdout).toBe("removed user ann\n");
    expect(await codeOf(login(other))).toBe("UNAUTHENTICATED");
    expect(await accessJson("user list")).toEqual({ users: [] });
  });

  test("for programs is JSON without the password", async () => {
    const made = await accessJson("user create ann --role editor --app shop --password-stdin", goodPassword);
    expect(made).toEqual({ name: "ann", role: "editor", apps: ["shop"] });
    const changed = await accessJson("user password ann --password-stdin", `${goodPassword}!\r\n`);
    expect(changed).toEqual({ changed: "ann" });
    await daemon.login({ user: "ann", password: `${goodPassword}!`, address });
  });
});

describe("what cannot be understood ends with 64, what cannot be done with 1, and nothing is changed", () => {
  test.each<[args: string, input: string | undefined, code: number, why: RegExp]>([
    ["key create ci", undefined, 64, /no --role is given\. Write --role viewer, operator, editor, admin/],
    ["key create ci --role root", undefined, 64, /--role root is not a role/],
    ["key create --role admin", undefined, 64, /missing required argument 'name'/],
    ["key create ci --role viewer --expires soon", undefined, 64, /--expires soon is neither a duration nor a date/],
    ["key create ci --role viewer --expires 2001-01-01", undefined, 64, /is over already/],
    ["key create ci --role viewer --expires 2099-02-30", undefined, 64, /is neither a duration nor a date/],
    ["key create ci --role viewer --expires 0d", undefined, 64, /is over already/],
    ["key create .ci --role viewer", undefined, 1, /this is not a name/],
    ["key create there --role viewer", undefined, 1, /there is a key "there" already/],
    ["key remove nobody", undefined, 1, /there is no key "nobody"\. There are: there/],
    ["user create ann --role viewer", undefined, 64, /no terminal to ask for the password on.*--password-stdin/],
    ["user create ann --role viewer --password-stdin", "short\n", 1, /the password has less than 12 characters/],
    ["user create ann --role viewer --password-stdin", "", 1, /the password has less than 12 characters/],
    ["user create ann --role viewer --password-stdin", "x".repeat(5000), 64, /too long for a password/],
    ["user create ann --role viewer --password secret", undefined, 64, /unknown option '--password'/],
    ["user grant nobody --role viewer", undefined, 1, /there is no user "nobody"\. There is no user at all/],
    ["user password nobody --password-stdin", goodPassword, 1, /there is no user "nobody"/],
    ["user remove nobody", undefined, 1, /there is no user "nobody"/],
    ["users", undefined, 64, /unknown command 'users'/],
  ])("%s", async (args, input, code, why) => {
    await daemon.createKey("there", { role: "viewer" });
    const ran = await access(args, input);
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toMatch(why);
    expect([await daemon.keys(), await daemon.users()]).toMatchObject([[{ name: "there" }], []]);
  });

  test("a file that is broken is told and left alone", async () => {
    await mkdir(join(workspace, "state"));
    const file = accessFile(join(workspace, "state"));
    await writeFile(file, "{");
    const ran = await access("key create ci --role admin");
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/access\.json is not complete JSON\. Restore it from a backup/);
    expect(await readFile(file, "utf8")).toBe("{");
  });

  test("a file of another user is not touched, also by root", async () => {
    await daemon.createKey("there", { role: "viewer" });
    const before = await stat(accessFile(join(workspace, "state")));
    vi.spyOn(process, "getuid").mockReturnValue(before.uid + 1);
    const ran = await access("key create ci --role admin");
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(
      /is for user \d+, and this is user \d+\. Run the command as the user that the daemon runs as: sudo -u/,
    );
    expect((await stat(accessFile(join(workspace, "state")))).ino).toBe(before.ino);
  });
});

describe("help", () => {
  const pages = ["", "key", "user", "key list", "key create", "key remove"].concat(
    ["list", "create", "password", "grant", "remove"].map((command) => `user ${command}`),
  );

  test.each(pages)("of access %s has examples and exit codes, and fits on a terminal of 80 columns", async (page) => {
    const written: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
    const words = page.split(" ").filter(Boolean);
    expect(await runCommandLine(["access", ...words, "--help"])).toBe(0);
    const text = written.join("");
    const path = ["config-sync access", ...words].join(" ");
    expect(text).toMatch(new RegExp(`^Usage: ${path} `));
    expect(text).toMatch(new RegExp(`Examples:\n(.*\\| )? *${path}[\\s\\S]*Exit codes: 0 `));
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});
