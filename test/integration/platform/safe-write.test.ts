import { spawnSync } from "node:child_process";
import fs, {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { describe, expect, it } from "vitest";
import {
  type CommitFailed,
  commitFiles,
  discardFiles,
  removeFile,
  type StageRequest,
  stageFile,
} from "../../../src/platform/safe-write.ts";
import { useSandbox } from "./sandbox.ts";

const box = useSandbox();

function request(path: string, text: string, more: Partial<StageRequest> = {}): StageRequest {
  return { path, bytes: Buffer.from(text), roots: [box.folder("root")], journal: box.folder("journal"), ...more };
}

async function write(path: string, text: string, more: Partial<StageRequest> = {}): Promise<string> {
  const staged = await stageFile(request(path, text, more));
  await commitFiles([staged]);
  return staged.method;
}

const rights = (path: string) => {
  const { mode, uid, gid } = statSync(path);
  return { mode: mode & 0o7777, uid, gid };
};

describe("stage and commit", () => {
  it("changes nothing that can be seen before the commit, and leaves nothing behind after a discard", async () => {
    const path = `${box.folder("root")}/app.ini`;
    const staged = await stageFile(request(path, "new"));
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(staged.stagedPath, "utf8")).toBe("new");
    await discardFiles([staged]);
    expect(box.list("root")).toEqual([]);
  });

  it("keeps owner, group and all permission bits of what is there", async () => {
    const path = `${box.folder("root")}/app.ini`;
    writeFileSync(path, "old");
    chownSync(path, 1234, 2345);
    chmodSync(path, 0o2640);
    await write(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(rights(path)).toEqual({ mode: 0o2640, uid: 1234, gid: 2345 });
  });

  it("has the final owner and mode on the staging, so that a secret is never readable for more", async () => {
    const path = `${box.folder("root")}/app.ini`;
    writeFileSync(path, "old");
    chownSync(path, 1234, 2345);
    chmodSync(path, 0o600);
    const { stagedPath } = await stageFile(request(path, "new"));
    expect(rights(stagedPath)).toEqual({ mode: 0o600, uid: 1234, gid: 2345 });
  });

  it.each([
    [0o644, 0o644],
    [0o664, 0o644],
    [0o755, 0o644],
    [0o604, 0o600],
    [0o640, 0o600],
    [0o660, 0o600],
    [0o600, 0o600],
  ])("begins a staging that becomes %o as %o: who may not read it in the end may at no moment", async (mode, first) => {
    const begun: unknown[] = [];
    const { openSync } = fs;
    fs.openSync = ((path: string, flags: number, mode?: number) => {
      if (path.includes(".config-sync-")) begun.push(mode);
      return openSync(path, flags, mode);
    }) as typeof openSync;
    syncBuiltinESMExports();
    const path = `${box.folder("root")}/app.ini`;
    try {
      await write(path, "new", { mode });
    } finally {
      fs.openSync = openSync;
      syncBuiltinESMExports();
    }
    expect(begun).toEqual([first]);
    expect(rights(path).mode).toBe(mode);
  });

  it("enforces owner and mode where they are given", async () => {
    const path = `${box.folder("root")}/app.ini`;
    writeFileSync(path, "old");
    chmodSync(path, 0o644);
    await write(path, "new", { mode: 0o600, uid: 77, gid: 78 });
    expect(rights(path)).toEqual({ mode: 0o600, uid: 77, gid: 78 });
  });

  it("gives a new file and new folders to the owner of the folder they are made in", async () => {
    chownSync(box.folder("root"), 1000, 1001);
    const path = box.path("root", "a", "b", "new.ini");
    await write(path, "text");
    expect(rights(path)).toEqual({ mode: 0o644, uid: 1000, gid: 1001 });
    for (const folder of ["a", "a/b"])
      expect(rights(box.path("root", folder))).toEqual({ mode: 0o755, uid: 1000, gid: 1001 });
  });

  it("gives no foreign folder away when a link takes the place of the folder that it just made", async () => {
    const foreign = box.folder("foreign");
    chmodSync(foreign, 0o700);
    chownSync(box.folder("root"), 1234, 1234);
    const wanted = request(box.path("root", "new", "f"), "x");
    const { mkdirSync } = fs;
    fs.mkdirSync = ((path: string, mode: number) => {
      mkdirSync(path, mode);
      renameSync(path, box.path("root", "aside"));
      symlinkSync(foreign, path);
    }) as typeof mkdirSync;
    syncBuiltinESMExports();
    try {
      await expect(stageFile(wanted)).rejects.toMatchObject({ code: "WRITE_FAILED" });
    } finally {
      fs.mkdirSync = mkdirSync;
      syncBuiltinESMExports();
    }
    expect(rights(foreign)).toEqual({ mode: 0o700, uid: 0, gid: 0 });
  });

  it("makes a new folder once for outputs that are staged side by side", async () => {
    const paths = Array.from({ length: 40 }, (_, index) => box.path("root", "new", "deep", `${index}.ini`));
    await commitFiles(await Promise.all(paths.map((path) => stageFile(request(path, path)))));
    expect(paths.map((path) => readFileSync(path, "utf8"))).toEqual(paths);
  });

  it("writes where a symlink leads and leaves the link", async () => {
    const root = box.folder("root");
    box.folder("root", "real");
    writeFileSync(`${root}/real/file`, "old");
    symlinkSync("real/file", `${root}/link`);
    symlinkSync("real/later", `${root}/dangling`);
    await write(`${root}/link`, "new");
    await write(`${root}/dangling`, "first");
    expect(readlinkSync(`${root}/link`)).toBe("real/file");
    expect(readFileSync(`${root}/real/file`, "utf8")).toBe("new");
    expect(readFileSync(`${root}/real/later`, "utf8")).toBe("first");
    expect(box.list("root", "real")).toEqual(["file", "later"]);
  });

  it("parts a hard link: the other name keeps the old content", async () => {
    const root = box.folder("root");
    writeFileSync(`${root}/one`, "old");
    linkSync(`${root}/one`, `${root}/two`);
    await write(`${root}/one`, "new");
    expect(readFileSync(`${root}/two`, "utf8")).toBe("old");
  });

  it("writes nothing outside the roots", async () => {
    const outside = box.folder("outside");
    writeFileSync(`${outside}/file`, "old");
    symlinkSync(outside, `${box.folder("root")}/way`);
    const way = `${box.path("root")}/way/file`;
    await expect(stageFile(request(way, "new"))).rejects.toMatchObject({ code: "PATH_FORBIDDEN" });
    await expect(removeFile(way, [box.path("root")])).rejects.toMatchObject({ code: "PATH_FORBIDDEN" });
    expect(readFileSync(`${outside}/file`, "utf8")).toBe("old");
    expect(box.list("outside")).toEqual(["file"]);
  });

  it("refuses to commit when a folder on the way became a link after staging", async () => {
    const folder = box.folder("root", "folder");
    const outside = box.folder("outside");
    const staged = await stageFile(request(`${folder}/file`, "new"));
    renameSync(folder, `${folder}.old`);
    symlinkSync(outside, folder);
    await expect(commitFiles([staged])).rejects.toMatchObject({ code: "PATH_FORBIDDEN" });
    expect(box.list("outside")).toEqual([]);
  });

  it("stops at the first file that cannot be committed and says which were", async () => {
    const root = box.folder("root");
    const staged = await Promise.all(["a", "b", "c"].map((name) => stageFile(request(`${root}/${name}`, name))));
    box.folder("root", "b");
    const seen: string[] = [];
    const error = await commitFiles(staged, ({ path }) => seen.push(path)).catch((thrown: CommitFailed) => thrown);
    expect(error).toMatchObject({ code: "WRITE_FAILED", committed: [{ path: `${root}/a` }] });
    expect((error as Error).message).toContain(`${root}/b`);
    expect(seen).toEqual([`${root}/a`]);
    await discardFiles(staged);
    expect(box.list("root")).toEqual(["a", "b"]);
  });

  it("never shows a reader half a file, and loses no write, under hundreds of writes", async () => {
    const path = `${box.folder("root")}/app.ini`;
    const text = (index: number): string => `${String(index % 10).repeat(1 + ((index * 137) % 9000))}\n`;
    writeFileSync(path, text(0));
    for (let index = 1; index < 300; index++) {
      const writing = write(path, text(index));
      const seen = readFileSync(path, "utf8");
      expect([text(index - 1), text(index)]).toContain(seen);
      await writing;
    }
  });

  it("fsyncs each file before it becomes visible, and each folder once after", async () => {
    const [one, two] = [box.folder("root", "one"), box.folder("root", "two")];
    const paths = [`${one}/a`, `${one}/b`, `${two}/c`];
    const synced = await recordSyncs(async () => {
      const staged = await Promise.all(paths.map((path) => stageFile(request(path, "text"))));
      await commitFiles(staged);
    });
    const isStaging = (path: string): boolean => path.includes("/.config-sync-");
    expect(synced.slice(0, 3).every(isStaging)).toBe(true);
    expect(synced.slice(3)).toEqual([one, two]);
  });

  it("stages a thousand files side by side with few descriptors", async () => {
    const root = box.folder("root");
    const paths = Array.from({ length: 1000 }, (_, index) => `${root}/${index}.ini`);
    await commitFiles(await Promise.all(paths.map((path) => stageFile(request(path, path)))));
    expect(box.list("root")).toHaveLength(1000);
    expect(readFileSync(`${root}/999.ini`, "utf8")).toBe(`${root}/999.ini`);
  });
});

describe("trouble while writing", () => {
  it("on a full disk leaves the old file and no staging", async () => {
    const root = box.folder("root");
    box.tmpfs("64k", root);
    writeFileSync(`${root}/app.ini`, "old");
    await expect(write(`${root}/app.ini`, "x".repeat(200_000))).rejects.toThrow(/app\.ini: no space is left/);
    expect(readFileSync(`${root}/app.ini`, "utf8")).toBe("old");
    expect(box.list("root")).toEqual(["app.ini"]);
  });

  it("on a read-only mount says so", async () => {
    const root = box.folder("root");
    writeFileSync(`${root}/app.ini`, "old");
    box.readOnly(root);
    await expect(write(`${root}/app.ini`, "new")).rejects.toThrow(/read-only/);
    await expect(removeFile(`${root}/app.ini`, [root])).rejects.toMatchObject({ code: "WRITE_FAILED" });
  });

  it("without the right to write says so", async () => {
    const root = box.folder("root");
    chmodSync(box.path(), 0o755);
    chmodSync(root, 0o755);
    const result = asNobody(`${root}/app.ini`, root, box.folder("journal"));
    expect(result).toMatch(/WRITE_FAILED.*app\.ini: permission denied/);
  });
});

/** The paths that were fsynced, in order. */
async function recordSyncs(work: () => Promise<void>): Promise<string[]> {
  const { fsync } = fs;
  const synced: string[] = [];
  const recording = (fd: number, done: fs.NoParamCallback): void => {
    synced.push(readlinkSync(`/proc/self/fd/${fd}`));
    fsync(fd, done);
  };
  fs.fsync = Object.assign(recording, { __promisify__: fsync.__promisify__ });
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    fs.fsync = fsync;
    syncBuiltinESMExports();
  }
  return synced;
}

/** Stages and commits as an unprivileged user; prints the error or the method. */
function asNobody(path: string, root: string, journal: string): string {
  const module = new URL("../../../src/platform/safe-write.ts", import.meta.url).href;
  const script = `
    const { stageFile, commitFiles } = await import(${JSON.stringify(module)});
    process.setgid(65534); process.setgroups([]); process.setuid(65534);
    try {
      const staged = await stageFile({ path: ${JSON.stringify(path)}, bytes: Buffer.from("new"), roots: [${JSON.stringify(root)}], journal: ${JSON.stringify(journal)} });
      await commitFiles([staged]);
      console.log(staged.method);
    } catch (error) { console.log(error.code + " " + error.message); }`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }).stdout;
}
