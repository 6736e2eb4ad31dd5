import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCurrent, recoverWrites, removeFile, writeDurably } from "../../../src/platform/safe-write.ts";
import { useSandbox } from "./sandbox.ts";

const box = useSandbox();

describe("current, removed and own files", () => {
  it("tells what is there", async () => {
    const root = box.folder("root");
    writeFileSync(`${root}/file`, "text");
    chmodSync(`${root}/file`, 0o640);
    chownSync(`${root}/file`, 3, 4);
    symlinkSync("file", `${root}/link`);
    symlinkSync("nothing", `${root}/dangling`);
    expect(await readCurrent(`${root}/link`)).toEqual({ bytes: Buffer.from("text"), mode: 0o640, uid: 3, gid: 4 });
    for (const path of ["dangling", "missing", "file/below", "missing/below"])
      expect(await readCurrent(`${root}/${path}`)).toBeUndefined();
  });

  it("refuses what is no regular file, without hanging, and what is too large", async () => {
    const root = box.folder("root");
    execFileSync("mkfifo", [`${root}/pipe`]);
    writeFileSync(`${root}/large`, "");
    execFileSync("truncate", ["-s", "17M", `${root}/large`]);
    await expect(readCurrent(root)).rejects.toThrow(/is a folder/);
    await expect(readCurrent(`${root}/pipe`)).rejects.toThrow(/named pipe/);
    await expect(readCurrent("/dev/zero")).rejects.toThrow(/device/);
    await expect(readCurrent(`${root}/large`)).rejects.toMatchObject({ code: "WRITE_FAILED", retryable: false });
  });

  it("removes where a link leads, and takes a missing file as done", async () => {
    const root = box.folder("root");
    writeFileSync(`${root}/file`, "text");
    symlinkSync("file", `${root}/link`);
    await removeFile(`${root}/link`, [root]);
    await removeFile(`${root}/link`, [root]);
    expect(box.list("root")).toEqual(["link"]);
  });

  it("writes its own files as a whole, for nobody else to read", async () => {
    const path = `${box.folder("state")}/ledger.json`;
    await writeDurably(path, "one");
    await writeDurably(path, Buffer.from("two"));
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(box.list("state")).toEqual(["ledger.json"]);
    rmSync(box.path("state"), { recursive: true });
    await expect(writeDurably(path, "three")).rejects.toMatchObject({ code: "WRITE_FAILED" });
  });

  it("deletes the stagings of a crash and nothing else", async () => {
    const root = box.folder("root");
    writeFileSync(`${root}/.config-sync-left`, "");
    writeFileSync(`${root}/.config-synced`, "");
    box.folder("root", ".config-sync-folder");
    const told = await recoverWrites(box.path("journal"), [root, box.path("not-there")]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${root}/.config-sync-left`);
    expect(box.list("root")).toEqual([".config-sync-folder", ".config-synced"]);
  });

  it("goes on with the others where one write cannot be finished, and says so", async () => {
    const root = box.folder("root");
    const [target, before, after] = [root, "old", "new"];
    const hash = createHash("sha256").update(`${target}\0${before.length}\0${before}${after}`).digest("hex");
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const record = { target, before: base64(before), after: base64(after), sha256: hash };
    box.folder("journal");
    writeFileSync(box.path("journal/in-place-a.json"), JSON.stringify(record));
    writeFileSync(box.path("journal/in-place-b.json"), "damaged");
    expect(await recoverWrites(box.path("journal"), [])).toEqual([
      expect.stringMatching(`^An interrupted write is not finished: ${root} is a folder`),
      expect.stringContaining("in-place-b.json"),
    ]);
    expect(box.list("journal")).toEqual(["in-place-a.json"]);
  });
});
