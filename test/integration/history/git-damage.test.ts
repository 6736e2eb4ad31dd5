import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requireGit } from "../../../src/platform/git.ts";
import { commitCount, configOf, grow, plainGit, useGitHistories } from "../../support/git-history.ts";
import { draftOf } from "../../support/history-contract.ts";
import { useSandbox } from "../platform/sandbox.ts";

const histories = useGitHistories();
const sandbox = useSandbox();

/** A history of five revisions that git has, closed. */
async function makeFive(): Promise<string> {
  const folder = join(histories.newFolder(), "history");
  const history = await histories.open({ folder });
  await grow(history, 5);
  await history.close();
  // Git gets some seconds to take them; on a machine that stalls it takes them the next time.
  for (let tries = 0; commitCount(folder) < 5 && tries < 10; tries++) await (await histories.open({ folder })).close();
  expect(commitCount(folder)).toBe(5);
  return folder;
}

async function openTelling(folder: string) {
  const told: string[] = [];
  const history = await histories.open({ folder, tell: (message) => told.push(message) });
  return { history, told };
}

async function numbersOf(folder: string): Promise<number[]> {
  const { history } = await openTelling(folder);
  const list = await history.list("default", { limit: 100 });
  await history.close();
  return list.map(({ number }) => number);
}

describe("the journal", () => {
  it("that ends in the middle of a record loses that one alone, and says so", async () => {
    const folder = await makeFive();
    const { history, told } = await openTelling(folder);
    const file = join(folder, "journal");
    await grow(history, 1);
    const before = readFileSync(file).length;
    await grow(history, 1);
    const whole = readFileSync(file);
    await history.close();
    for (const length of [before + 1, before + 50, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length));
      plainGit(folder, "update-ref", "refs/heads/main", "main~2");
      const { history: again, told: toldAgain } = await openTelling(folder);
      expect((await again.head("default"))?.number).toBe(6);
      expect(readFileSync(file)).toHaveLength(length);
      expect(await again.append("default", draftOf(), 6)).toMatchObject({ number: 7 });
      expect(toldAgain).toEqual([expect.stringMatching(/bytes of .*journal were torn and are cut off/)]);
      expect(readFileSync(`${file}.cut`)).toHaveLength(length - before);
      await again.close();
      expect(commitCount(folder)).toBe(7);
    }
    expect(told).toEqual([]);
  });

  it("that is lost or unreadable is made out of the repository", async () => {
    const folder = await makeFive();
    for (const damage of [
      () => rmSync(join(folder, "journal")),
      () => writeFileSync(join(folder, "journal"), ""),
      () => writeFileSync(join(folder, "journal"), Buffer.alloc(5000)),
    ]) {
      damage();
      const { history } = await openTelling(folder);
      const head = await history.head("default");
      expect(head).toMatchObject({ message: `set value to ${head?.number}` });
      await grow(history, 1);
      await history.close();
    }
    expect(await numbersOf(folder)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it("that is deleted while it runs comes back with what it held", async () => {
    const folder = await makeFive();
    const { history } = await openTelling(folder);
    await grow(history, 1);
    rmSync(join(folder, "journal"));
    await grow(history, 1);
    expect(await configOf(history, 6)).toBe("value = 6\n");
    await history.close();
    expect(await numbersOf(folder)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  it("of a newer version is not touched", async () => {
    const folder = await makeFive();
    const { encodeFrame } = await import("../../../src/history/git/frame.ts");
    const newer = encodeFrame({ journal: 99, whatever: 1 });
    writeFileSync(join(folder, "journal"), newer);
    const { history } = await openTelling(folder);
    await expect(history.head("default")).rejects.toMatchObject({ code: "HISTORY_UNUSABLE", retryable: false });
    await expect(history.append("default", draftOf(), 5)).rejects.toMatchObject({ code: "HISTORY_UNUSABLE" });
    expect(readFileSync(join(folder, "journal")).equals(newer)).toBe(true);
  });
});

describe("the repository", () => {
  it("may be a clone that was put in the place of a lost one", async () => {
    const folder = await makeFive();
    const other = join(histories.newFolder(), "history");
    plainGit("/", "clone", "--quiet", "--bare", folder, other);
    const { history } = await openTelling(other);
    expect(await history.apps()).toEqual(["default"]);
    expect(await configOf(history, 3)).toBe("value = 3\n");
    await grow(history, 1);
    await history.close();
    expect(await numbersOf(other)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it.each([
    ["all of it", (folder: string) => rmSync(folder, { recursive: true })],
    ["its objects", (folder: string) => rmSync(join(folder, "objects"), { recursive: true })],
    [
      "its branch and objects",
      (folder: string) => {
        for (const name of ["refs", "objects", "HEAD"]) rmSync(join(folder, name), { recursive: true });
      },
    ],
  ])("deleted while it runs (%s): a new one is begun, no number comes twice, and it is told", async (_, remove) => {
    const folder = await makeFive();
    const { history, told } = await openTelling(folder);
    expect((await history.head("default"))?.number).toBe(5);
    remove(folder);
    expect((await history.head("default"))?.number).toBe(5);
    await grow(history, 2);
    expect(await configOf(history, 7)).toBe("value = 7\n");
    await expect.poll(() => commitCount(folder)).toBe(2);
    await history.close();
    expect(told.join("\n")).toMatch(/deleted.*numbers go on/s);
    expect(await numbersOf(folder)).toEqual([7, 6]);
    expect(plainGit(folder, "fsck", "--strict", "--full")).toBe("");
    const { history: again } = await openTelling(folder);
    expect(await again.get("default", 7)).toMatchObject({
      number: 7,
      parent: 6,
      documents: [{ name: "config.ini" }, { name: "system.ini" }],
    });
    expect(await again.get("default", 5)).toBeUndefined();
  });

  it("deleted before the start, with the journal left, goes on counting", async () => {
    const folder = await makeFive();
    for (const name of ["refs", "objects", "HEAD"]) rmSync(join(folder, name), { recursive: true });
    const { history, told } = await openTelling(folder);
    expect((await history.head("default"))?.number).toBe(5);
    expect(await history.list("default", { limit: 9 })).toEqual([]);
    expect(await history.get("default", 5)).toBeUndefined();
    await grow(history, 1);
    await history.close();
    expect(told.join("\n")).toContain("default up to 5");
    expect(await numbersOf(folder)).toEqual([6]);
  });

  it("deleted as a whole before the start is an empty history, which counts on from what its app knows", async () => {
    const folder = await makeFive();
    rmSync(folder, { recursive: true });
    const { history } = await openTelling(folder);
    expect(await history.head("default")).toBeUndefined();
    expect(await history.append("default", draftOf(), 5)).toMatchObject({ number: 6, parent: 5 });
    await history.close();
    expect(await numbersOf(folder)).toEqual([6]);
  });

  it("with commits that somebody made by hand keeps them below ours", async () => {
    const folder = await makeFive();
    const clone = join(histories.newFolder(), "clone");
    plainGit("/", "clone", "--quiet", folder, clone);
    writeFileSync(join(clone, "default/config.ini"), "by hand\n");
    writeFileSync(join(clone, "default/extra.ini"), "by hand\n");
    writeFileSync(join(clone, "README"), "hello\n");
    plainGit(clone, "add", ".");
    plainGit(clone, "commit", "--quiet", "-m", "by hand");
    plainGit(clone, "push", "--quiet", "origin", "main");
    const { history, told } = await openTelling(folder);
    expect(await configOf(history, 5)).toBe("value = 5\n");
    await grow(history, 1);
    await history.close();
    expect(told).toEqual([]);
    expect(plainGit(folder, "log", "--format=%s", "main").split("\n").slice(0, 3)).toEqual([
      "set value to 6",
      "by hand",
      "set value to 5",
    ]);
    expect(plainGit(folder, "ls-tree", "-r", "--name-only", "main").split("\n")).toEqual([
      "README",
      "default/config.ini",
      "default/system.ini",
    ]);
    expect(await numbersOf(folder)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it("with our commits picked, merged and reverted by hand still has each number once", async () => {
    const folder = await makeFive();
    const clone = join(histories.newFolder(), "clone");
    plainGit("/", "clone", "--quiet", folder, clone);
    plainGit(clone, "revert", "--no-edit", "HEAD");
    plainGit(clone, "checkout", "--quiet", "-b", "side", "HEAD~3");
    plainGit(clone, "commit", "--quiet", "--allow-empty", "-m", "side");
    plainGit(clone, "merge", "--quiet", "--no-edit", "-s", "ours", "main");
    plainGit(clone, "commit", "--quiet", "--allow-empty", "-C", "main~3");
    plainGit(clone, "push", "--quiet", "origin", "side:main");
    const { history } = await openTelling(folder);
    await grow(history, 1);
    await history.close();
    expect(await numbersOf(folder)).toEqual([6, 5, 4, 3, 2, 1]);
    const { history: again } = await openTelling(folder);
    for (const number of [1, 2, 3, 4, 5, 6]) expect(await configOf(again, number)).toBe(`value = ${number}\n`);
  });

  it.each([
    ["moved back", (folder: string) => plainGit(folder, "update-ref", "refs/heads/main", "main~3")],
    [
      "moved elsewhere",
      (folder: string) =>
        plainGit(
          folder,
          "update-ref",
          "refs/heads/main",
          plainGit(folder, "commit-tree", "main^{tree}", "-m", "alien"),
        ),
    ],
    ["deleted", (folder: string) => plainGit(folder, "update-ref", "-d", "refs/heads/main")],
  ])("whose branch was %s by hand loses nothing of ours, nor of theirs", async (_, move) => {
    const folder = await makeFive();
    move(folder);
    const theirs = plainGit(folder, "for-each-ref", "--format=%(objectname)", "refs/heads/main");
    const { history, told } = await openTelling(folder);
    expect(await configOf(history, 5)).toBe("value = 5\n");
    await grow(history, 1);
    await history.close();
    expect(commitCount(folder)).toBe(6);
    expect(told).toEqual([expect.stringContaining("the branch main")]);
    if (theirs !== "") expect(plainGit(folder, "branch", "--contains", theirs)).toContain("found-");
    expect(await numbersOf(folder)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it("with packed references and objects is read all the same", async () => {
    const folder = await makeFive();
    plainGit(folder, "gc", "--quiet");
    expect(existsSync(join(folder, "refs/heads/main"))).toBe(false);
    const { history, told } = await openTelling(folder);
    expect(await configOf(history, 2)).toBe("value = 2\n");
    await grow(history, 1);
    await history.close();
    expect(told).toEqual([]);
    expect(await numbersOf(folder)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it("may be collected by hand while it is read", async () => {
    const folder = await makeFive();
    const { history } = await openTelling(folder);
    expect(await configOf(history, 1)).toBe("value = 1\n");
    plainGit(folder, "repack", "-a", "-d", "-q", "-f");
    for (const number of [1, 2, 3, 4, 5]) expect(await configOf(history, number)).toBe(`value = ${number}\n`);
  });

  it("that is damaged is told by the object that is missing", async () => {
    const folder = await makeFive();
    const { history } = await openTelling(folder);
    plainGit(folder, "unpack-file", "main:default/config.ini");
    const pack = join(folder, "objects/pack");
    renameSync(pack, `${pack}.away`);
    mkdirSync(pack);
    await expect(history.get("default", 3)).rejects.toMatchObject({ code: "HISTORY_UNUSABLE" });
    rmSync(pack, { recursive: true });
    renameSync(`${pack}.away`, pack);
    expect(await configOf(history, 3)).toBe("value = 3\n");
  });

  it("with a lock that a killed git left is freed once the lock is old, and nobody waits meanwhile", async () => {
    const folder = await makeFive();
    const lock = join(folder, "refs/heads/main.lock");
    writeFileSync(lock, "");
    const { history, told } = await openTelling(folder);
    await grow(history, 1);
    await expect.poll(() => history.trouble?.()).toMatch(/main\.lock/);
    expect(existsSync(lock)).toBe(true);
    await grow(history, 1);
    utimesSync(lock, new Date(0), new Date(0));
    await expect.poll(() => commitCount(folder)).toBe(7);
    await expect.poll(() => history.trouble?.()).toBeUndefined();
    expect(told.some((message) => message.includes("killed git"))).toBe(true);
  });
});

describe("what a killed git leaves behind", () => {
  it("is removed once git fails for it or for something else, and what is young or another's stays", async () => {
    const folder = await makeFive();
    const packs = join(folder, "objects/pack");
    const old = ["tmp_pack_aB3dE6", "tmp_idx_aB3dE6", "pack-1.keep"].map((name) => join(packs, name));
    const kept = ["tmp_pack_young1", "pack-2.keep"].map((name) => join(packs, name));
    for (const path of [...old, join(folder, "fast_import_crash_17"), ...kept]) writeFileSync(path, "fast-import");
    writeFileSync(join(packs, "pack-2.keep"), "mine");
    for (const path of [...old, join(folder, "fast_import_crash_17"), join(packs, "pack-2.keep")]) {
      utimesSync(path, new Date(0), new Date(0));
    }
    writeFileSync(join(folder, "refs/heads/main.lock"), "");
    const { history } = await openTelling(folder);
    await grow(history, 1);
    await expect.poll(() => history.trouble?.()).toMatch(/main\.lock/);
    expect([...old, join(folder, "fast_import_crash_17")].filter(existsSync)).toEqual([]);
    expect(kept.filter(existsSync)).toEqual(kept);
  });
});

describe("a full disk", () => {
  it("refuses the append with the reason, records nothing of it, and takes the next when there is room", async () => {
    const disk = sandbox.folder("disk");
    sandbox.tmpfs("2m", disk);
    const folder = join(disk, "history");
    const { history } = await openTelling(folder);
    await grow(history, 3);
    const ballast = join(disk, "ballast");
    try {
      for (;;) appendFileSync(ballast, Buffer.alloc(4096));
    } catch {
      // Full.
    }
    const large = draftOf({ documents: [{ name: "config.ini", bytes: Buffer.alloc(300_000, "x\n") }] });
    const before = readFileSync(join(folder, "journal"));
    await expect(history.append("default", large, 3)).rejects.toMatchObject({
      code: "HISTORY_UNUSABLE",
      message: expect.stringContaining("no space is left"),
    });
    expect((await history.head("default"))?.number).toBe(3);
    expect(readFileSync(join(folder, "journal")).equals(before)).toBe(true);
    truncateSync(ballast, 0);
    expect(await history.append("default", large, 3)).toMatchObject({ number: 4 });
    await expect.poll(() => commitCount(folder), { timeout: 15_000 }).toBe(4);
    await history.close();
    expect(await numbersOf(folder)).toEqual([4, 3, 2, 1]);
  });
});

describe("a disk on which only git has no room", () => {
  it("keeps what was appended in the journal until there is, and is not filled by git's failures", {
    timeout: 30_000,
  }, async () => {
    const disk = sandbox.folder("disk");
    sandbox.tmpfs("4m", disk);
    const folder = join(disk, "history");
    const { history } = await openTelling(folder);
    await grow(history, 1);
    await expect.poll(() => commitCount(folder)).toBe(1);
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(1_700_000));
    // Random bytes, so that git cannot make them smaller.
    const documents = [{ name: "config.ini", bytes: randomBytes(1_500_000) }];
    await history.append("default", draftOf({ documents }), 1);
    await expect.poll(() => history.trouble?.()).toMatch(/not in its git repository yet.*space/s);
    expect((await history.get("default", 2))?.documents[0]?.bytes).toHaveLength(1_500_000);
    truncateSync(ballast, 0);
    await expect.poll(() => commitCount(folder), { timeout: 20_000 }).toBe(2);
    await expect.poll(() => history.trouble?.()).toBeUndefined();
    expect(plainGit(folder, "fsck", "--strict", "--full")).toBe("");
  });
});

describe("two processes", () => {
  it("that both append take turns, and one of two with the same expected head is refused", async () => {
    const folder = join(histories.newFolder(), "history");
    const [one, two] = [(await openTelling(folder)).history, (await openTelling(folder)).history];
    await grow(one, 2);
    expect((await two.head("default"))?.number).toBe(2);
    const ends = await Promise.allSettled([one, two].map((history) => history.append("default", draftOf(), 2)));
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "REVISION_MOVED" } });
    await grow(two, 2);
    await grow(one, 1);
    await Promise.all([one.close(), two.close()]);
    expect(await numbersOf(folder)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(commitCount(folder)).toBe(6);
  });

  it("of which one only reads leave the writer alone", async () => {
    const folder = join(histories.newFolder(), "history");
    const writer = await openTelling(folder);
    await grow(writer.history, 2);
    const reader = await openTelling(folder);
    expect((await reader.history.list("default", { limit: 9 })).map(({ number }) => number)).toEqual([2, 1]);
    expect(await configOf(reader.history, 1)).toBe("value = 1\n");
    await reader.history.close();
    await grow(writer.history, 1);
    expect([...writer.told, ...reader.told]).toEqual([]);
  });
});

describe("a machine without git", () => {
  it("is told what to install", () => {
    expect(() => requireGit("/nonexistent:/tmp")).toThrow(
      expect.objectContaining({ code: "HISTORY_UNUSABLE", hint: expect.stringContaining("Install git") }),
    );
  });
});
