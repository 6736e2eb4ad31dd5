import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { reveal } from "../../../src/config/secret.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";
import { useSandbox } from "../platform/sandbox.ts";
import { openSource, readK, text } from "./follow.ts";

const box = useSandbox();

function create(value: string): string {
  const path = `${box.folder("conf")}/config.ini`;
  writeFileSync(path, text(value));
  return path;
}

describe("a file source says what the file holds", () => {
  it("with the place of each value, and secrets as such", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, "# comment\r\n[gitea]\r\nhttp_port = 3000\r\nuser_pwd=hunter2\r\n[ b ]\r\nx = ä\r\n");
    const { source, protected: guarded, entries } = await openSource(path, { protected: true }).load();
    expect({ source, guarded }).toEqual({ source: "config.ini", guarded: true });
    expect(entries.map(({ path, value }) => [path, String(value)])).toEqual([
      [["gitea", "http_port"], "3000"],
      [["gitea", "user_pwd"], "[secret]"],
      [[" b ", "x"], "ä"],
    ]);
    expect(entries[0]?.origin).toEqual({ source: "config.ini", file: "config.ini", line: 3, column: 13 });
    expect(entries.map(({ value }) => reveal(value))).toEqual(["3000", "hunter2", "ä"]);
  });

  it("takes a byte order mark, and a lone % literally", async () => {
    const path = create("x");
    writeFileSync(path, "\uFEFF[s]\nk = 100%\n");
    expect(readK(await openSource(path).load())).toBe("100%");
  });

  it("fills in references only when it is told to", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, `[s]\nk = \${HOME_PORT}/\${other.key}/$$\n`);
    expect(readK(await openSource(path).load())).toBe(`\${HOME_PORT}/\${other.key}/$$`);
    const others = [
      { source: "a", protected: true, entries: [{ path: ["other", "key"], value: "strong", origin: { source: "a" } }] },
      { source: "b", protected: false, entries: [{ path: ["other", "key"], value: "weak", origin: { source: "b" } }] },
    ];
    const filled = openSource(path, { substitute: true, environment: { HOME_PORT: "80" } });
    const asWritten = await filled.load();
    expect(readK(filled.complete?.(asWritten, others) ?? asWritten)).toBe("80/strong/$");
  });
});

describe("bad input is an error with a place and a hint, never no values", () => {
  const cases: [string, Buffer | string, string, string][] = [
    ["an empty file", "", "config.ini", "no section"],
    ["blank lines", "\n \r\n\t\n", "config.ini", "no section"],
    ["comments only", "# a\n; b\n", "config.ini", "no section"],
    ["a byte that is not UTF-8", Buffer.from("[s]\nab = \xe4\xff\n", "latin1"), "config.ini:2:6", "not UTF-8"],
    ["UTF-16", Buffer.from("\uFEFF[s]\nk = 1\n", "utf16le"), "config.ini:1:1", "UTF-16"],
    ["a NUL", "[s]\nk = a\0b\n", "config.ini:2:6", "NUL"],
    ["a key that stands twice", "[s]\nk = 1\nk = 2\n", "config.ini:3", "twice"],
    ["a line that is nothing", "[s]\nnonsense\n", "config.ini:2", "neither a section"],
    ["a value before any section", "k = 1\n", "config.ini:1", "section"],
  ];

  it.each(cases)("%s", async (_, content, place, words) => {
    const path = create("x");
    writeFileSync(path, content);
    const error = await openSource(path)
      .load()
      .catch((thrown: ConfigSyncError) => thrown);
    expect(error).toMatchObject({ code: "SOURCE_INVALID" });
    expect((error as ConfigSyncError).toText()).toContain(place);
    expect((error as ConfigSyncError).toText()).toMatch(new RegExp(words, "i"));
    expect((error as ConfigSyncError).hint).toBeDefined();
  });

  it("what is no file, too large, or not there", async () => {
    const conf = box.folder("conf");
    writeFileSync(`${conf}/large`, "");
    execFileSync("truncate", ["-s", "17M", `${conf}/large`]);
    execFileSync("mkfifo", [`${conf}/pipe`]);
    await expect(openSource(conf).load()).rejects.toMatchObject({ code: "SOURCE_INVALID" });
    await expect(openSource(`${conf}/pipe`).load()).rejects.toThrow(/named pipe/);
    await expect(openSource(`${conf}/large`).load()).rejects.toThrow(/16 MiB/);
    for (const path of [`${conf}/missing`, `${conf}/large/below`])
      await expect(openSource(path).load()).rejects.toMatchObject({
        code: "SOURCE_MISSING",
        place: { file: "config.ini" },
      });
  });
});
