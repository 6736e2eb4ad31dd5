import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commitCount, configOf, grow, plainGit, plainGitBytes, useGitHistories } from "../../support/git-history.ts";
import { draftOf } from "../../support/history-contract.ts";

const histories = useGitHistories();

describe("the history folder, read with plain git", () => {
  it("has author, date and message of each revision in a commit's own places", async () => {
    const folder = join(histories.newFolder(), "history");
    const history = await histories.open({ folder });
    const at = Date.parse("2026-03-04T05:06:07.890Z");
    await history.append("default", draftOf({ author: "alice", message: "raise the port\n\nfor the proxy", at }), 0);
    await history.close();
    expect(plainGit(folder, "log", "--format=%an|%aI|%s|%b", "main")).toBe(
      "alice|2026-03-04T05:06:07+00:00|raise the port|for the proxy\n\n" +
        "Revision: default/1\nTime: 2026-03-04T05:06:07.890Z\nHash: cafe01\n",
    );
    expect(plainGit(folder, "log", "--format=%(trailers:key=Revision,valueonly)", "main").trim()).toBe("default/1");
  });

  it("gives the same bytes in show and in a clone, a folder an app", async () => {
    const folder = join(histories.newFolder(), "history");
    const history = await histories.open({ folder });
    const contents = [randomBytes(5000), Buffer.from("a\r\n"), Buffer.from("no end"), Buffer.alloc(0)];
    const documents = contents.map((bytes, index) => ({ name: `${index}.ini`, bytes }));
    await history.append("default", draftOf({ documents }), 0);
    await history.append("with blank", draftOf({ documents: documents.slice(0, 1) }), 0);
    await history.append("default", draftOf({ documents: documents.slice(1) }), 1);
    await history.close();

    const clone = join(histories.newFolder(), "clone");
    plainGit("/", "clone", "--quiet", folder, clone);
    expect(readdirSync(clone).sort()).toEqual([".git", "default", "with blank"]);
    expect(readdirSync(join(clone, "default"))).toEqual(["1.ini", "2.ini", "3.ini"]);
    for (const { name, bytes } of documents) {
      expect(plainGitBytes(folder, "show", `main~2:default/${name}`).equals(bytes)).toBe(true);
      if (name !== "0.ini") expect(readFileSync(join(clone, "default", name)).equals(bytes)).toBe(true);
    }
    expect(plainGit(folder, "log", "--format=%H", "main", "--", "default/").split("\n")).toHaveLength(2);
    expect(plainGit(folder, "fsck", "--strict", "--full")).toBe("");
  });

  it("is sound after hostile authors, messages, times and names", async () => {
    const folder = join(histories.newFolder(), "history");
    const history = await histories.open({ folder });
    const texts = ["", "a <b@c>", "\0", "\ud800", "x\n\nRevision: other/7\n", "done\n", "'\"`$(id)", "..", ".", "é 😀"];
    for (const [number, text] of texts.entries()) {
      const documents = [{ name: `${number} "q" ü $(x).ini`, bytes: Buffer.from(text) }];
      const draft = draftOf({ author: text, message: text, at: number % 2 === 0 ? 0 : 8.64e15, documents });
      await history.append('app "q" $(x)', draft, number);
    }
    await history.close();
    expect(commitCount(folder)).toBe(texts.length);
    expect(plainGit(folder, "fsck", "--strict", "--full")).toBe("");
  });

  it("is not touched by what the user and the machine told git to do", async () => {
    const home = histories.newFolder();
    const hooks = join(home, "hooks");
    mkdirSync(hooks);
    writeFileSync(join(hooks, "reference-transaction"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    writeFileSync(join(home, "attributes"), "* text eol=crlf ident\n");
    const settings = [
      "[core]\nautocrlf = true",
      `hooksPath = ${hooks}`,
      `attributesFile = ${join(home, "attributes")}`,
      "[commit]\ngpgSign = true",
      "[user]\nuseConfigOnly = true",
      "[init]\ndefaultBranch = other",
    ];
    writeFileSync(join(home, ".gitconfig"), `${settings.join("\n")}\n`);
    const before = { ...process.env };
    Object.assign(process.env, {
      HOME: home,
      GIT_AUTHOR_NAME: "mallory",
      GIT_DIR: "/nowhere",
      GIT_INDEX_FILE: "/nowhere",
    });
    try {
      const folder = join(histories.newFolder(), "history");
      const history = await histories.open({ folder });
      await grow(history, 2);
      await history.close();
      expect(plainGitBytes(folder, "show", "main:default/config.ini").toString()).toBe("value = 2\n");
      expect(plainGit(folder, "log", "-1", "--format=%an", "main")).toBe("alice");
    } finally {
      for (const name of ["HOME", "GIT_AUTHOR_NAME", "GIT_DIR", "GIT_INDEX_FILE"]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  it("stores what did not change once, and tells its own files from those of the journal", async () => {
    const folder = join(histories.newFolder(), "history");
    const history = await histories.open({ folder });
    const large = { name: "large.ini", bytes: randomBytes(1024 * 1024) };
    for (let number = 1; number <= 30; number++) {
      const documents = [large, { name: "small.ini", bytes: Buffer.from(`value = ${number}\n`) }];
      await history.append("default", draftOf({ documents }), number - 1);
    }
    expect(readFileSync(join(folder, "journal")).length).toBeLessThan(1.2 * 1024 * 1024);
    expect((await history.get("default", 17))?.documents[0]?.bytes).toHaveLength(1024 * 1024);
    await history.close();
    expect(readFileSync(join(folder, "journal")).length).toBeLessThan(2000);
    const kibibytes = /size-pack: (\d+)/.exec(plainGit(folder, "count-objects", "-v"))?.[1];
    expect(Number(kibibytes)).toBeLessThan(1.2 * 1024);
  });

  it("keeps few packs and no loose objects, however often git took what was there", { timeout: 120_000 }, async () => {
    const folder = join(histories.newFolder(), "history");
    for (let round = 0; round < 120; round++) {
      const history = await histories.open({ folder });
      await grow(history, 1);
      await history.close();
    }
    const counts = plainGit(folder, "count-objects", "-v");
    expect(Number(/packs: (\d+)/.exec(counts)?.[1])).toBeLessThan(60);
    expect(counts).toMatch(/^count: 0$/m);
    const history = await histories.open({ folder });
    for (const number of [1, 60, 120]) expect(await configOf(history, number)).toBe(`value = ${number}\n`);
    expect(plainGit(folder, "fsck", "--strict", "--full")).toBe("");
  });
});
