import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import {
  commitFiles,
  removeFile,
  type Staged,
  type StageRequest,
  stageFile,
} from "../../../src/platform/safe-write.ts";
import { useSandbox } from "./sandbox.ts";

const box = useSandbox();

function stage(path: string, bytes: string, more: Partial<StageRequest> = {}): Promise<Staged> {
  return stageFile({
    path,
    bytes: Buffer.from(bytes),
    roots: [box.folder("root")],
    journal: box.path("journal"),
    ...more,
  });
}

/** A file that is mounted alone, as Docker does it: `source` outside, `path` inside. */
function mountedFile(text: string): { source: string; path: string } {
  const source = `${box.folder("host")}/app.ini`;
  const path = `${box.folder("root")}/app.ini`;
  writeFileSync(source, text);
  writeFileSync(path, "");
  box.bind(source, path);
  return { source, path };
}

describe("a file that is a mount of its own", () => {
  it("is written in place: same inode, owner and mode, and the other side of the mount sees it", async () => {
    const { source, path } = mountedFile("old content, longer\n");
    chownSync(source, 12, 34);
    chmodSync(source, 0o640);
    const { ino } = statSync(source);
    const staged = await stage(path, "new\n");
    expect(staged.method).toBe("in-place");
    expect(readFileSync(staged.stagedPath, "utf8")).toBe("new\n");
    expect(statSync(staged.stagedPath).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toBe("old content, longer\n");
    await commitFiles([staged]);
    expect(readFileSync(source, "utf8")).toBe("new\n");
    expect(statSync(source)).toMatchObject({ ino, uid: 12, gid: 34, mode: 0o100640 });
    expect(box.list("journal")).toEqual([]);
  });

  it.each([0, 1, 4095, 4096, 4097, 3_000_000])("takes content of %i bytes", async (length) => {
    const { source, path } = mountedFile("old\n".repeat(1500));
    await commitFiles([await stage(path, "x".repeat(length))]);
    expect(readFileSync(source, "latin1")).toBe("x".repeat(length));
  });

  it("takes the mode that is asked for", async () => {
    const { source, path } = mountedFile("old\n");
    await commitFiles([await stage(path, "new\n", { mode: 0o600 })]);
    expect(statSync(source).mode & 0o777).toBe(0o600);
  });

  it("is found out at the rename when it was mounted after the staging", async () => {
    const path = `${box.folder("root")}/app.ini`;
    writeFileSync(path, "old\n");
    const staged = await stage(path, "new\n");
    expect(staged.method).toBe("rename");
    const { source } = mountedFile("old\n");
    await commitFiles([staged]);
    expect(readFileSync(source, "utf8")).toBe("new\n");
    expect(box.list("root")).toEqual(["app.ini"]);
    expect(box.list("journal")).toEqual([]);
  });

  it("cannot be removed, and that is said", async () => {
    const { path } = mountedFile("old\n");
    await expect(removeFile(path, [box.path("root")])).rejects.toMatchObject({ code: "WRITE_FAILED" });
  });

  it("keeps the old content when the disk is full", async () => {
    box.tmpfs("32k", box.folder("host"));
    const { source, path } = mountedFile("old\n");
    await expect(stage(path, "x".repeat(100_000)).then((staged) => commitFiles([staged]))).rejects.toThrow(/no space/);
    expect(readFileSync(source, "utf8")).toBe("old\n");
    expect(box.list("journal").filter((name) => name.startsWith("in-place"))).toEqual([]);
  });

  it("is written where the file system knows no direct writes", async () => {
    box.tmpfs("1m", box.folder("host"));
    const { source, path } = mountedFile("old content\n");
    await commitFiles([await stage(path, "new\n")]);
    expect(readFileSync(source, "utf8")).toBe("new\n");
  });

  it("never shows a tight reader an empty, cut or mixed file", async () => {
    const { path } = mountedFile("a\n");
    const reader = spawn(process.execPath, [new URL("busy-reader.ts", import.meta.url).pathname, path]);
    const lines = createInterface(reader.stdout)[Symbol.asyncIterator]();
    await lines.next();
    for (let index = 0; index < 200; index++) {
      const letter = String.fromCharCode(97 + (index % 26));
      await commitFiles([await stage(path, `${letter.repeat(1 + ((index * 1237) % 4000))}\n`)]);
    }
    await commitFiles([await stage(path, "STOP\n")]);
    const { reads, broken } = JSON.parse((await lines.next()).value ?? "{}");
    await once(reader, "exit");
    expect(reads).toBeGreaterThan(2000);
    expect(broken).toBe(0);
  });
});

describe("a folder that we may not write", () => {
  it("does not keep us from writing a file in it that we may write", async () => {
    const root = box.folder("root");
    writeFileSync(`${root}/app.ini`, "old\n");
    const aside = box.folder("aside");
    writeFileSync(`${aside}/app.ini`, "old\n");
    box.readOnly(root);
    // A writable file on a read-only mount: that is how containers get one.
    box.bind(`${aside}/app.ini`, `${root}/app.ini`);
    await commitFiles([await stage(`${root}/app.ini`, "new\n")]);
    expect(readFileSync(`${aside}/app.ini`, "utf8")).toBe("new\n");
  });

  it("works for an unprivileged daemon: other people's file, group-writable", async () => {
    const root = box.folder("root");
    mkdirSync(box.path("journal"));
    for (const path of [box.path(), root]) chmodSync(path, 0o755);
    chownSync(box.path("journal"), 65534, 65534);
    writeFileSync(`${root}/app.ini`, "old\n");
    chownSync(`${root}/app.ini`, 0, 65534);
    chmodSync(`${root}/app.ini`, 0o664);
    expect(await asNobody(`${root}/app.ini`)).toBe("in-place");
    expect(readFileSync(`${root}/app.ini`, "utf8")).toBe("new\n");
    expect(statSync(`${root}/app.ini`)).toMatchObject({ uid: 0, gid: 65534, mode: 0o100664 });
    // The folder is writable as well, but the owner could not be kept by a rename.
    chmodSync(root, 0o777);
    writeFileSync(`${root}/app.ini`, "old\n");
    expect(await asNobody(`${root}/app.ini`)).toBe("in-place");
    expect(statSync(`${root}/app.ini`)).toMatchObject({ uid: 0, gid: 65534 });
    expect(box.list("root")).toEqual(["app.ini"]);
  });
});

async function asNobody(path: string): Promise<string> {
  const module = new URL("../../../src/platform/safe-write.ts", import.meta.url).href;
  const request = JSON.stringify({ path, roots: [box.path("root")], journal: box.path("journal") });
  const script = `
    const { stageFile, commitFiles } = await import(${JSON.stringify(module)});
    process.setgid(65534); process.setgroups([]); process.setuid(65534);
    const staged = await stageFile({ ...${request}, bytes: Buffer.from("new\\n") }).catch((error) => error);
    if (!(staged instanceof Error)) await commitFiles([staged]);
    console.log(staged.method ?? staged.message);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = await new Response(child.stdout as unknown as ReadableStream).text().catch(() => "");
  return output.trim();
}
