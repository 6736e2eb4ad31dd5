import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { accessFile, openAccess } from "../../../src/access/open.ts";

/**
 * Runs a command on a terminal of its own and types what it is given, each line when its prompt is there. Prints all that the
 * terminal shows; its exit code is the command's.
 */
const typist = `
import os, pty, sys
typed = sys.argv[1].split("|")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    prompts = shown.count(b"Password: ") + shown.count(b"Once more: ")
    while typed and prompts > 0 and len(typed) + prompts > int(len(sys.argv[1].split("|"))):
        os.write(terminal, typed.pop(0).encode().decode("unicode_escape").encode())
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

const password = "four words of little sense";

let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), "config-sync-prompt-"));
  await writeFile(join(workspace, "config-sync.yaml"), "sources: [{ file: config.ini }]\nservices: []\nroots: [.]\n");
});

afterEach(() => rm(workspace, { recursive: true }));

async function type(...lines: string[]): Promise<{ code: number; shown: string }> {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const command = [process.execPath, main, "access", "user", "create", "ann", "--role", "editor", "-w", workspace];
  const child = spawn("python3", ["-c", typist, lines.join("|"), ...command], { stdio: ["ignore", "pipe", "inherit"] });
  let shown = "";
  child.stdout.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
  });
  const [code] = await once(child, "close");
  return { code, shown };
}

test("the password is asked for twice, is not shown, and is good for a login", async () => {
  const { code, shown } = await type(`${password}\\r`, `${password}\\r`);
  expect({ code, shown }).toEqual({
    code: 0,
    shown: expect.stringMatching(/Password: \s+Once more: \s+.*made user ann/),
  });
  expect(shown).not.toContain("four");
  const access = await openAccess({ file: accessFile(join(workspace, "state")) });
  await access.login({ user: "ann", password, address: "192.0.2.7" });
});

test("what was mistyped can be taken back", async () => {
  const { code } = await type(`${password}XY\\x7f\\x7f\\r`, `${password}\\r`);
  expect(code).toBe(0);
  const access = await openAccess({ file: accessFile(join(workspace, "state")) });
  await access.login({ user: "ann", password, address: "192.0.2.7" });
});

test.each([
  [
    "two different passwords",
    [`${password}\\r`, `${password}!\\r`],
    /two different passwords, and nothing was changed/,
  ],
  ["Ctrl-C", ["four\\x03"], /no password was given, and nothing was changed/],
  ["Ctrl-D", ["\\x04"], /no password was given, and nothing was changed/],
])("%s changes nothing, and the terminal is as it was", async (_, lines, why) => {
  const { code, shown } = await type(...lines);
  expect({ code, shown }).toEqual({ code: 64, shown: expect.stringMatching(why) });
  expect(shown).not.toContain("four");
  const access = await openAccess({ file: accessFile(join(workspace, "state")) });
  expect(await access.users()).toEqual([]);
});
