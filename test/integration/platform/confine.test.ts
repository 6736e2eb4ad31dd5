import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { confine } from "../../../src/platform/confine.ts";
import { useSandbox } from "./sandbox.ts";

const box = useSandbox();

function refusal(path: string, roots: readonly string[]): string {
  try {
    confine(path, roots);
  } catch (error) {
    expect(error).toMatchObject({ code: "PATH_FORBIDDEN" });
    return (error as Error).message;
  }
  throw new Error(`${path} was let through`);
}

describe("confine", () => {
  it("lets a file, a new file and a new folder in a root through, with real paths", () => {
    const root = box.folder("root");
    writeFileSync(`${root}/there`, "x");
    expect(confine(`${root}/there`, [root])).toMatchObject({ path: `${root}/there`, folder: root, missing: [] });
    expect(confine(`${root}/new`, [root]).existing).toBeUndefined();
    expect(confine(`${root}/a/b/new`, [root])).toMatchObject({
      path: `${root}/a/b/new`,
      folder: `${root}/a/b`,
      missing: [`${root}/a`, `${root}/a/b`],
    });
  });

  it("follows links to files, dangling ones too, while they stay inside", () => {
    const root = box.folder("root");
    box.folder("root", "deep");
    writeFileSync(`${root}/deep/file`, "x");
    symlinkSync("deep/file", `${root}/one`);
    symlinkSync("../root/one", `${root}/two`);
    symlinkSync("deep/later", `${root}/dangling`);
    expect(confine(`${root}/two`, [root]).path).toBe(`${root}/deep/file`);
    expect(confine(`${root}/dangling`, [root]).path).toBe(`${root}/deep/later`);
  });

  it("knows a root that is itself a link, is not there yet, or is a single file", () => {
    const real = box.folder("real");
    symlinkSync(real, box.path("root"));
    writeFileSync(`${real}/file`, "x");
    expect(confine(`${box.path("root")}/file`, [box.path("root")]).path).toBe(`${real}/file`);
    expect(confine(`${box.path("later")}/file`, [box.path("later")]).missing).toEqual([box.path("later")]);
    expect(confine(`${real}/file`, [`${real}/file`]).path).toBe(`${real}/file`);
  });

  it("refuses every way out", () => {
    const root = box.folder("root");
    const outside = box.folder("outside");
    box.folder("root2");
    writeFileSync(`${outside}/file`, "x");
    symlinkSync(outside, `${root}/folder-link`);
    symlinkSync(`${outside}/file`, `${root}/file-link`);
    symlinkSync(`${outside}/new`, `${root}/dangling`);
    symlinkSync("/etc/passwd", `${root}/passwd`);
    const ways = [
      "folder-link/file",
      "file-link",
      "dangling",
      "passwd",
      "../outside/file",
      "folder-link/../outside/file",
    ];
    for (const way of ways) expect(refusal(`${root}/${way}`, [root]), way).toMatch(/outside the allowed folders/);
    expect(refusal(`${box.path("root2")}/file`, [root])).toMatch(/lies outside/);
    expect(refusal(`${root}/file`, [])).toMatch(/none is/);
    expect(refusal(`${root}/file`, [""])).toMatch(/lies outside/);
    expect(refusal(`${outside}/file`, [`${root}/../root`, `${root}/.`, `${root}//`])).toMatch(/lies outside/);
  });

  it("takes .. for the parent of where a link leads, as the kernel does", () => {
    const root = box.folder("root");
    box.folder("outside", "inner");
    symlinkSync(box.path("outside", "inner"), `${root}/link`);
    symlinkSync("link/../secret", `${root}/file`);
    expect(refusal(`${root}/file`, [root])).toContain(box.path("outside", "secret"));
  });

  it("refuses what no file can be", async () => {
    const root = box.folder("root");
    mkdirSync(`${root}/folder`);
    const server = createServer().listen(`${root}/socket`);
    await new Promise((resolve) => server.once("listening", resolve));
    expect(refusal(`${root}/folder`, [root])).toMatch(/is a folder/);
    expect(refusal(`${root}/socket`, [root])).toMatch(/is a socket/);
    expect(refusal("/dev/null", ["/"])).toMatch(/is a device/);
    expect(refusal(`${root}/`, [root])).toMatch(/names a folder/);
    expect(refusal(`${root}/..`, [root])).toMatch(/names a folder/);
    expect(refusal("relative", ["/"])).toMatch(/not absolute/);
    expect(refusal(`${root}/a\0b`, [root])).toMatch(/NUL/);
    expect(refusal(`${root}/${"x".repeat(256)}`, [root])).toMatch(/255 bytes/);
    expect(refusal(`/${"x/".repeat(3000)}y`, ["/"])).toMatch(/4095 bytes/);
    symlinkSync("circle", `${root}/circle`);
    expect(refusal(`${root}/circle`, [root])).toMatch(/circle/);
    expect(refusal(`${root}/missing/../../x`, [root])).toMatch(/cannot be followed/);
    server.close();
  });
});
