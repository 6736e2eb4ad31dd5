import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate as endOfTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createApp } from "../../../src/apps/app.ts";
import type { Changed } from "../../../src/apps/change.ts";
import { createDoor, type Door, type DoorParts } from "../../../src/apps/door.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { History } from "../../../src/history/history.ts";
import { memoryHistory } from "../../../src/history/memory.ts";
import { envSource } from "../../../src/sources/env.ts";
import { fileSource } from "../../../src/sources/file.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const config =
  "; what people may change\n[gitea]\n# its port\nhttp_port = 3000\nuser_pwd = first\n\n[proxy]\nlisten = 80\n";
const system = "[base]\nversion = 1\n[gitea]\nroot = /w9git\n";

interface Hall {
  readonly door: Door;
  readonly history: History;
  readonly mended: string[];
  readonly file: string;
  readonly read: () => string;
  readonly write: (text: string) => void;
  readonly edit: (from: string, to: string) => void;
  /** Another door on the same files and history, as after a restart. */
  readonly reopen: () => Hall;
}

function openHall(parts: Partial<DoorParts> = {}, environment: Record<string, string> = {}): Hall {
  const folder = mkdtempSync(path.join(tmpdir(), "config-sync-door-"));
  folders.push(folder);
  writeFileSync(path.join(folder, "config.ini"), config);
  writeFileSync(path.join(folder, "system.ini"), system);
  return openDoorIn(folder, { history: memoryHistory(), ...parts }, environment);
}

function openDoorIn(
  folder: string,
  parts: Partial<DoorParts> & Pick<DoorParts, "history">,
  environment: Record<string, string>,
): Hall {
  const mended: string[] = [];
  const file = path.join(folder, "config.ini");
  const open = (name: string, isProtected: boolean) =>
    fileSource({
      path: path.join(folder, name),
      name,
      protected: isProtected,
      substitute: false,
      quiet: 0,
      secretPaths: secretPaths([]),
      lookEvery: 3_600_000,
      environment,
    });
  const sources = [
    open("config.ini", false),
    open("system.ini", true),
    envSource({ environment, secretPaths: secretPaths([]) }),
  ];
  let time = 0;
  const door = createDoor({
    app: createApp("default", sources, digest),
    clock: { now: () => ++time },
    journal: path.join(folder, "journal"),
    onMended: (text) => mended.push(text),
    ...parts,
  });
  const read = (): string => readFileSync(file, "utf8");
  return {
    door,
    mended,
    file,
    read,
    history: parts.history,
    write: (text) => writeFileSync(file, text),
    edit: (from, to) => writeFileSync(file, read().replace(from, to)),
    reopen: () => openDoorIn(folder, parts, environment),
  };
}

const by = { author: "anna", message: "because" };
const port = (value: string) => ({ ...by, edits: [{ path: ["gitea", "http_port"], value }] });

async function refusal(work: Promise<unknown>): Promise<ConfigSyncError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigSyncError);
  return error as ConfigSyncError;
}

describe("a change", () => {
  test("keeps every other byte, and is recorded with author, reason and documents", async () => {
    const { door, read, history } = openHall();
    await door.look();
    const { revision, changes } = await door.change({ ...port("3001"), expected: 1 });
    expect(read()).toBe(config.replace("3000", "3001"));
    expect(revision).toMatchObject({ number: 2, parent: 1, author: "anna", message: "because" });
    expect(changes.map(({ key }) => key)).toEqual(["gitea.http_port"]);
    const recorded = await history.get("default", 2);
    expect(recorded?.documents.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])).toEqual([
      ["config.ini", read()],
      ["system.ini", system],
    ]);
    expect(await door.look()).toMatchObject({ revision: { number: 2 }, problems: [] });
  });

  test("is recorded without the secrets in its reason, neither the old ones nor the new", async () => {
    const { door } = openHall();
    await door.look();
    const edits = [{ path: ["gitea", "user_pwd"], value: "second" }];
    const { revision } = await door.change({ edits, author: "anna", message: "first was seen, second is better" });
    expect(revision.message).toBe("[secret] was seen, [secret] is better");
  });

  test("of several keys in several sections is one revision", async () => {
    const { door, read, history } = openHall();
    await door.change({
      ...by,
      edits: [
        { path: ["gitea", "http_port"], value: "1" },
        { path: ["proxy", "listen"] },
        { path: ["mail", "host"], value: "a.b" },
      ],
    });
    expect(read()).toContain("http_port = 1\n");
    expect(read()).not.toContain("listen");
    expect(read()).toContain("[mail]\nhost = a.b\n");
    expect((await history.head("default"))?.number).toBe(2);
  });

  test("that changes nothing is no revision", async () => {
    const { door } = openHall();
    expect(await door.change(port("3000"))).toMatchObject({ revision: { number: 1 }, changes: [] });
  });

  test("removes a section with its comments and leaves those of the next", async () => {
    const { door, read, edit } = openHall();
    edit("[proxy]", "# for the proxy\n[proxy]");
    await door.change({ ...by, edits: [{ path: ["gitea"] }] });
    expect(read()).toBe("; what people may change\n# for the proxy\n[proxy]\nlisten = 80\n");
  });

  test.each([
    ["a value of system.ini", { path: ["base", "version"], value: "2" }, "READ_ONLY", "system.ini"],
    ["a section of system.ini", { path: ["base"] }, "READ_ONLY", "system.ini"],
    ["a value that the environment decides", { path: ["proxy", "listen"], value: "1" }, "READ_ONLY", "environment"],
    ["the removal of a key that is not there", { path: ["gitea", "nope"] }, "NOT_FOUND", "gitea.nope"],
    ["the removal of a section that is not there", { path: ["nope"] }, "NOT_FOUND", "nope"],
    ["a value that the file cannot hold", { path: ["gitea", "http_port"], value: "a\0b" }, "UNREPRESENTABLE", "NUL"],
  ])("refuses %s, and changes nothing", async (_, edit, code, named) => {
    const { door, read, history } = openHall({}, { CONFIG_SYNC__PROXY__LISTEN: "81" });
    await door.look();
    const error = await refusal(door.change({ ...by, edits: [{ path: ["gitea", "http_port"], value: "9" }, edit] }));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(named)]);
    expect(read()).toBe(config);
    await door.close();
    expect((await history.head("default"))?.number).toBe(1);
  });

  test("that must not be is refused before anything is written", async () => {
    const check = (): never => {
      throw new ConfigSyncError("VALUE_INVALID", "no such port");
    };
    const { door, read, history } = openHall({ check });
    expect((await refusal(door.change(port("70000")))).message).toBe("no such port");
    expect((await refusal(door.rehearse(port("70000")))).message).toBe("no such port");
    expect(read()).toBe(config);
    await door.close();
    expect((await history.list("default", { limit: 9 })).map(({ number }) => number)).toEqual([1]);
  });

  test("can be rehearsed", async () => {
    const { door, read } = openHall();
    const { changes } = await door.rehearse(port("1"));
    expect(changes.map(({ key, kind }) => [key, kind])).toEqual([["gitea.http_port", "changed"]]);
    expect(read()).toBe(config);
  });
});

describe("several at once", () => {
  test("a change on an older revision is refused", async () => {
    const { door, read } = openHall();
    await door.look();
    await door.change(port("1"));
    expect((await refusal(door.change({ ...port("2"), expected: 1 }))).code).toBe("REVISION_MOVED");
    expect(read()).toContain("http_port = 1\n");
  });

  test("fifty writers lose nothing", async () => {
    const { door, read } = openHall();
    const names = Array.from({ length: 50 }, (_, index) => `k${index}`);
    const done = await Promise.all(
      names.map((name) => door.change({ ...by, edits: [{ path: ["many", name], value: name }] })),
    );
    expect(new Set(done.map(({ revision }) => revision.number)).size).toBe(50);
    for (const name of names) expect(read()).toContain(`${name} = ${name}\n`);
  });

  test("an edit by hand that no look has seen yet is taken up first", async () => {
    const { door, read, edit, history } = openHall();
    await door.look();
    edit("80", "8080");
    const { revision } = await door.change(port("1"));
    expect(revision.number).toBe(3);
    expect(read()).toBe(config.replace("80", "8080").replace("3000", "1"));
    expect(await history.list("default", { limit: 9 })).toMatchObject([
      { number: 3, author: "anna" },
      { number: 2, author: "file", message: "edited in the file: proxy.listen" },
      { number: 1, author: "file", message: "as it was found" },
    ]);
    edit("8080", "8081");
    expect((await refusal(door.change({ ...port("2"), expected: 3 }))).code).toBe("REVISION_MOVED");
    expect(read()).toContain("8081");
  });

  test("an edit by hand in the very moment wins, and both are in the history", async () => {
    const memory = memoryHistory();
    let meanwhile = (): void => undefined;
    const append: History["append"] = async (...args) => {
      const recorded = await memory.append(...args);
      meanwhile();
      return recorded;
    };
    const { door, read, edit, history } = openHall({ history: { ...memory, append } });
    await door.look();
    meanwhile = () => {
      meanwhile = () => undefined;
      edit("80", "by hand");
    };
    expect((await refusal(door.change(port("1")))).code).toBe("REVISION_MOVED");
    expect(read()).toBe(config.replace("80", "by hand"));
    await door.close();
    expect((await history.list("default", { limit: 2 })).map(({ author }) => author)).toEqual(["file", "anna"]);
  });

  describe("that is put on record elsewhere, too", () => {
    test("waits for that, which has the revision as soon as it is on its way", async () => {
      const { door, read } = openHall();
      await door.look();
      const seen: unknown[] = [];
      const witness = async ({ revision, changes }: Changed): Promise<void> => {
        seen.push(
          revision.number,
          changes.map(({ key }) => key),
          read() === config,
        );
        await endOfTurn();
        seen.push("on record");
      };
      await door.change({ ...port("3001"), witness });
      expect(seen).toEqual([2, ["gitea.http_port"], true, "on record"]);
      await door.change({ ...port("3001"), witness });
      expect(seen).toHaveLength(4);
    });

    test("is made where that cannot be done, and says so", async () => {
      const { door, read, history } = openHall();
      await door.look();
      const witness = () => Promise.reject(new ConfigSyncError("WRITE_FAILED", "the disk is full"));
      expect((await refusal(door.change({ ...port("3001"), witness }))).message).toBe("the disk is full");
      expect(read()).toBe(config.replace("3000", "3001"));
      expect((await history.head("default"))?.number).toBe(2);
    });
  });

  test("a change on a broken file is refused with its line", async () => {
    const { door, read, write } = openHall();
    await door.look();
    write("[gitea\n");
    const error = await refusal(door.change(port("1")));
    expect([error.code, error.place.line]).toEqual(["SOURCE_INVALID", 1]);
    expect(read()).toBe("[gitea\n");
  });
});

describe("a look", () => {
  test("records what is new, also a comment alone, and nothing twice", async () => {
    const { door, edit, history } = openHall();
    for (const _ of [1, 2]) expect((await door.look()).revision?.number).toBe(1);
    edit("# its port", "# its door");
    expect((await door.look()).revision?.number).toBe(2);
    edit("first", "second");
    expect((await door.look()).revision?.number).toBe(3);
    await door.close();
    const [newest, comment] = await history.list("default", { limit: 2 });
    expect(newest?.message).toBe("edited in the file: gitea.user_pwd");
    expect(comment?.message).toBe("edited in the file: no value is different");
  });

  test("after a restart goes on with the numbers, and takes up what was edited meanwhile", async () => {
    const { door, reopen, edit, history } = openHall();
    await door.change(port("1"));
    expect((await reopen().door.look()).revision?.number).toBe(2);
    edit("# its port", "# edited while nothing ran");
    const later = reopen().door;
    await later.look();
    await later.close();
    expect(await history.head("default")).toMatchObject({ number: 3, author: "file" });
  });

  test("counts on from what is remembered elsewhere where the history has nothing any more", async () => {
    let remembered = 41;
    const { door, history } = openHall({ lastNumber: () => remembered });
    expect((await door.look()).revision?.number).toBe(42);
    remembered = 42;
    await door.close();
    expect((await history.head("default"))?.number).toBe(42);
    expect((await door.change(port("1"))).revision.number).toBe(43);
  });

  test("goes on without a history that does not work, says so, and catches up", async () => {
    const memory = memoryHistory();
    let broken = true;
    const append: History["append"] = async (...args) => {
      if (broken) throw new ConfigSyncError("HISTORY_UNUSABLE", "the disk is full");
      return memory.append(...args);
    };
    const { door, edit, read } = openHall({ history: { ...memory, append } });
    const told = Promise.withResolvers<void>();
    await door.watch(told.resolve);
    await door.look();
    await told.promise;
    edit("80", "81");
    const { snapshot, problems } = await door.look();
    expect(snapshot?.entries.get("proxy.listen")?.value).toBe("81");
    expect(problems).toMatchObject([{ code: "HISTORY_UNUSABLE", retryable: true }]);
    expect((await refusal(door.change(port("1")))).code).toBe("HISTORY_UNUSABLE");
    expect(read()).toBe(config.replace("80", "81"));
    broken = false;
    await door.look();
    await door.close();
    expect((await door.look()).problems).toEqual([]);
    const newest = await memory.get("default", (await memory.head("default"))?.number ?? 0);
    expect(Buffer.from(newest?.documents[0]?.bytes ?? []).toString()).toBe(read());
    expect(await memory.list("default", { limit: 9 })).toHaveLength(1);
  });
});

describe("a crash between history and file", () => {
  test("is finished at the next start", async () => {
    const { door, file, read, write, reopen } = openHall();
    await door.change(port("1"));
    const wanted = read();
    write(config);
    writeFileSync(path.join(path.dirname(file), ".config-sync-left"), wanted);
    const next = reopen();
    expect((await next.door.look()).revision?.number).toBe(2);
    expect(read()).toBe(wanted);
    expect(next.mended.join("\n")).toContain("Finished the interrupted change of config.ini to revision 2");
  });

  test("does not undo an edit by hand that came after it", async () => {
    const { door, file, read, write, reopen } = openHall();
    await door.change(port("1"));
    const wanted = read();
    write(config.replace("80", "by hand"));
    writeFileSync(path.join(path.dirname(file), ".config-sync-left"), wanted);
    expect((await reopen().door.look()).revision?.number).toBe(3);
    expect(read()).toBe(config.replace("80", "by hand"));
  });
});

describe("a way back", () => {
  test("brings each of 200 revisions back byte for byte, comments included", async () => {
    const { door, read, write, history } = openHall();
    await door.look();
    const seen = new Map([[1, read()]]);
    const line = fc.oneof(
      fc.constantFrom("# a comment", "; another", "", "  # indented"),
      fc.stringMatching(/^[a-z]{1,8}[0-9] = [ -~äöü]{0,20}$/),
    );
    const ends = ["\n", "\r\n"] as const;
    const texts = fc.sample(
      fc.tuple(fc.uniqueArray(line, { maxLength: 12, selector: (text) => text.split(" = ")[0] }), fc.nat(1), fc.nat(1)),
      { numRuns: 260, seed: 7 },
    );
    for (const [index, [lines, end, tail]] of texts.entries()) {
      const newline = ends[end] ?? "\n";
      write(`[s${index}]${newline}port = ${index}${newline}${lines.join(newline)}${tail === 0 ? "" : newline}`);
      const { revision, problems } = await door.look();
      if (problems.length === 0 && revision !== undefined) seen.set(revision.number, read());
    }
    expect(seen.size).toBeGreaterThan(200);
    for (const [number, text] of seen) {
      const { revision } = await door.rollBack({ ...by, to: number });
      expect(read()).toBe(text);
      expect(revision.number).toBe((await history.head("default"))?.number);
    }
  });

  test("of one section leaves the others and the comments of today", async () => {
    const { door, read, edit } = openHall();
    await door.look();
    edit("http_port = 3000\n", "http_port = 1\nextra = 2\n");
    edit("80", "81");
    edit("# its port", "# its new port");
    await door.look();
    await door.rollBack({ ...by, to: 1, section: "gitea" });
    expect(read()).toBe(config.replace("80", "81").replace("# its port", "# its new port"));
  });

  test("to where the configuration is already is no revision; to what never was is an error", async () => {
    const { door } = openHall();
    await door.look();
    expect(await door.rollBack({ ...by, to: 1 })).toMatchObject({ revision: { number: 1 }, changes: [] });
    expect((await refusal(door.rollBack({ ...by, to: 7 }))).code).toBe("NOT_FOUND");
    expect((await refusal(door.rollBack({ ...by, to: 1, section: "nope" }))).code).toBe("NOT_FOUND");
    expect((await refusal(door.rollBack({ ...by, to: 1, expected: 4 }))).code).toBe("REVISION_MOVED");
  });
});
