import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Document, Draft, History, Revision, RevisionInfo } from "../../src/history/history.ts";

/** A store of its own for each run of the contract, empty at first. */
export interface HistorySubject {
  readonly history: History;
  /** Closes the newest that was opened, and opens the same store anew. Not for what ends with its process. */
  readonly reopen?: () => Promise<History>;
  /** Another one on the same store at the same time, as another process would have it. */
  readonly beside?: () => Promise<History>;
  readonly stop: () => Promise<void>;
}

/** What every history must do, wherever it keeps the revisions. */
export function historyContract(name: string, start: () => Promise<HistorySubject>): void {
  describe(`history contract: ${name}`, () => {
    let subject: HistorySubject;
    let history: History;
    let apps = 0;
    /** Each test has an app of its own; all of them share the store. */
    const newApp = (): string => `app-${++apps}`;
    beforeAll(async () => {
      subject = await start();
      history = subject.history;
    });
    afterAll(() => subject?.stop());

    const reopen = async (): Promise<void> => {
      if (subject.reopen !== undefined) history = await subject.reopen();
    };
    const appendAll = async (app: string, drafts: readonly Draft[]): Promise<void> => {
      for (const [index, draft] of drafts.entries()) await history.append(app, draft, index);
    };

    test("an app without a revision has no head, no list, and is not among the apps", async () => {
      const app = newApp();
      expect(await history.head(app)).toBeUndefined();
      expect(await history.list(app, { limit: 10 })).toEqual([]);
      expect(await history.get(app, 1)).toBeUndefined();
      expect(await history.apps()).not.toContain(app);
    });

    test("revisions are numbered from 1 without a gap, each on top of the one before", async () => {
      const app = newApp();
      const drafts = Array.from({ length: 5 }, (_, index) => draftOf({ message: `change ${index + 1}` }));
      for (const [index, draft] of drafts.entries()) {
        const { documents: _, ...said } = draft;
        const info = { ...said, number: index + 1, parent: index === 0 ? null : index };
        expect(await history.append(app, draft, index)).toEqual(info);
        expect(await history.head(app)).toEqual(info);
      }
      expect((await history.list(app, { limit: 9 })).map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
    });

    test("a list comes in pages, newest first, and holds no documents", async () => {
      const app = newApp();
      await appendAll(
        app,
        Array.from({ length: 7 }, () => draftOf()),
      );
      const page = async (limit: number, before?: number) =>
        (await history.list(app, { limit, ...(before !== undefined && { before }) })).map(({ number }) => number);
      expect(await page(3)).toEqual([7, 6, 5]);
      expect(await page(3, 5)).toEqual([4, 3, 2]);
      expect(await page(3, 2)).toEqual([1]);
      expect(await page(3, 1)).toEqual([]);
      expect(await page(0)).toEqual([]);
      expect(await page(100, 1000)).toEqual([7, 6, 5, 4, 3, 2, 1]);
      expect((await history.list(app, { limit: 1 }))[0]).not.toHaveProperty("documents");
    });

    test("a number that there is not is undefined", async () => {
      const app = newApp();
      await appendAll(app, [draftOf(), draftOf()]);
      for (const number of [0, -1, 3, 1000, 1.5, Number.NaN]) expect(await history.get(app, number)).toBeUndefined();
    });

    test("documents come back byte for byte, in their order", async () => {
      const app = newApp();
      const contents = hostileBytes.map((bytes, index) => ({ name: `z${hostileBytes.length - index}.ini`, bytes }));
      const drafts = [draftOf({ documents: contents }), ...contents.map((one) => draftOf({ documents: [one] }))];
      await appendAll(app, drafts);
      await expectAll(history, app, drafts);
      await reopen();
      await expectAll(history, app, drafts);
    });

    test("documents come, go, come back and change their order", async () => {
      const app = newApp();
      const [a, b, c] = ["a.ini", "b.ini", "c.ini"].map((file) => textDocument(file, file));
      const sets = [[a, b], [b, a], [b], [], [c, a, b], [c, a, textDocument("b.ini", "new")], [a, b]];
      const drafts = sets.map((documents) => draftOf({ documents: documents.filter((one) => one !== undefined) }));
      await appendAll(app, drafts);
      await expectAll(history, app, drafts);
      await reopen();
      await expectAll(history, app, drafts);
    });

    test("what a caller does to its bytes later changes no revision", async () => {
      const app = newApp();
      const bytes = Buffer.from("port = 80\n");
      await history.append(app, draftOf({ documents: [{ name: "config.ini", bytes }] }), 0);
      bytes.fill(0);
      (await history.get(app, 1))?.documents[0]?.bytes.fill(0);
      expect(textOf(await history.get(app, 1))).toBe("port = 80\n");
    });

    test("authors and messages come back as they were, whatever is in them", async () => {
      const app = newApp();
      const drafts = hostileTexts.map((text) => draftOf({ author: text.slice(0, 200), message: text }));
      await appendAll(app, drafts);
      await expectAll(history, app, drafts);
      await reopen();
      await expectAll(history, app, drafts);
    });

    test("any text, any bytes", { timeout: 120_000 }, async () => {
      const documents = fc.uniqueArray(
        fc.record({
          name: fc.constantFrom("config.ini", "system.ini", "é.ini", ".env", "a b"),
          bytes: fc.uint8Array(),
        }),
        { selector: ({ name }) => name, maxLength: 4 },
      );
      const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...hostileTexts));
      const drafts = fc.record({
        author: text.map((author) => author.slice(0, 200)),
        message: text,
        hash: fc.stringMatching(/^[0-9a-f]{0,64}$/),
        at: fc.integer({ min: 0, max: 8.64e15 }),
        documents,
      });
      const appended: [app: string, drafts: readonly Draft[]][] = [];
      const run = fc.asyncProperty(fc.array(drafts, { minLength: 1, maxLength: 5 }), async (some) => {
        const app = newApp();
        await appendAll(app, some);
        await expectAll(history, app, some);
        appended.push([app, some]);
      });
      await fc.assert(run, { numRuns: 30 });
      await reopen();
      for (const [app, some] of appended) await expectAll(history, app, some);
    });

    test.each(badNames)("%j is no name of an app or a document", async (bad) => {
      const app = newApp();
      await expect(history.append(bad, draftOf(), 0)).rejects.toMatchObject({ code: "VALUE_INVALID" });
      const documents = [textDocument(bad, "")];
      await expect(history.append(app, draftOf({ documents }), 0)).rejects.toMatchObject({ code: "VALUE_INVALID" });
      expect(await history.head(app)).toBeUndefined();
    });

    test("a draft that is too large or means two things is refused, and leaves nothing behind", async () => {
      const app = newApp();
      const twice = [textDocument("config.ini", "a"), textDocument("config.ini", "b")];
      await expect(history.append(app, draftOf({ documents: twice }), 0)).rejects.toMatchObject({
        code: "VALUE_INVALID",
      });
      const long = draftOf({ message: "x".repeat(100_000) });
      await expect(history.append(app, long, 0)).rejects.toMatchObject({ code: "TOO_LARGE" });
      for (const at of [-1, 1.5, Number.NaN, 9e15]) {
        await expect(history.append(app, draftOf({ at }), 0)).rejects.toMatchObject({ code: "VALUE_INVALID" });
      }
      expect(await history.head(app)).toBeUndefined();
    });

    test("a wrong expected head is refused with REVISION_MOVED and the number of the right one", async () => {
      const app = newApp();
      await appendAll(app, [draftOf(), draftOf()]);
      for (const expected of [0, 1, 3]) {
        const refused = history.append(app, draftOf(), expected);
        await expect(refused).rejects.toMatchObject({ code: "REVISION_MOVED", message: expect.stringContaining("2") });
      }
      expect((await history.head(app))?.number).toBe(2);
    });

    test("who has more to write because of a revision is told of it once, before it is recorded, and of none that is refused", async () => {
      const app = newApp();
      const told: RevisionInfo[] = [];
      let isRecorded = false;
      const onWritten = (revision: RevisionInfo): void => {
        expect(isRecorded).toBe(false);
        told.push(revision);
      };
      const recorded = await history.append(app, draftOf(), 0, onWritten);
      isRecorded = true;
      expect(told).toEqual([recorded]);
      await expect(history.append(app, draftOf(), 0, onWritten)).rejects.toMatchObject({ code: "REVISION_MOVED" });
      expect(told).toHaveLength(1);
    });

    test("of twenty racing appends with one expected head exactly one wins", async () => {
      const app = newApp();
      for (let round = 0; round < 5; round++) {
        const racers = Array.from({ length: 20 }, (_, index) => draftOf({ author: `racer ${round}.${index}` }));
        const ends = await Promise.allSettled(racers.map((draft) => history.append(app, draft, round)));
        const winners = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
        const losers = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
        expect(winners).toHaveLength(1);
        expect(losers.map(({ code }) => code)).toEqual(Array.from({ length: 19 }, () => "REVISION_MOVED"));
        expect(await history.head(app)).toEqual(winners[0]);
      }
    });

    test("fifty writers who look and try again lose nothing", async () => {
      const app = newApp();
      const write = async (author: string): Promise<void> => {
        for (;;) {
          const expected = (await history.head(app))?.number ?? 0;
          const done = await history.append(app, draftOf({ author }), expected).then(
            () => true,
            (error) => {
              if (error.code !== "REVISION_MOVED") throw error;
              return false;
            },
          );
          if (done) return;
        }
      };
      const authors = Array.from({ length: 50 }, (_, index) => `writer ${index}`);
      await Promise.all(authors.map(write));
      const list = await history.list(app, { limit: 100 });
      expect(list.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, index) => 50 - index));
      expect(list.map(({ author }) => author).sort()).toEqual([...authors].sort());
    });

    test("two apps do not know each other", async () => {
      const [one, two] = [newApp(), newApp()];
      await Promise.all([
        appendAll(one, [draftOf({ message: "one" }), draftOf({ message: "one" })]),
        appendAll(two, [draftOf({ message: "two" })]),
      ]);
      expect((await history.head(one))?.number).toBe(2);
      expect((await history.list(two, { limit: 9 })).map(({ message }) => message)).toEqual(["two"]);
      expect(await history.apps()).toEqual([...(await history.apps())].sort());
      expect(await history.apps()).toEqual(expect.arrayContaining([one, two]));
    });

    test("an app without any revision goes on counting from what is expected", async () => {
      const app = newApp();
      expect(await history.append(app, draftOf(), 57)).toMatchObject({ number: 58, parent: 57 });
      expect(await history.append(app, draftOf(), 58)).toMatchObject({ number: 59, parent: 58 });
      expect((await history.list(app, { limit: 9 })).map(({ number }) => number)).toEqual([59, 58]);
      expect(await history.get(app, 57)).toBeUndefined();
      expect((await history.get(app, 58))?.parent).toBe(57);
    });

    test("who watches an app is told of each revision once, in order, until they stop", async () => {
      const [app, other] = [newApp(), newApp()];
      await history.append(app, draftOf(), 0);
      const told: string[] = [];
      const stop = await history.watch(app, ({ number, message }) => told.push(`${number} ${message}`));
      await Promise.all([
        ...[1, 2, 3].map((expected) => history.append(app, draftOf({ message: `change ${expected + 1}` }), expected)),
        history.append(other, draftOf(), 0),
      ]);
      await expect.poll(() => told).toEqual(["2 change 2", "3 change 3", "4 change 4"]);
      await stop();
      await history.append(app, draftOf(), 4);
      expect(told).toHaveLength(3);
    });

    test("what was appended is there after reopening, and goes on", async () => {
      const app = newApp();
      const drafts = [draftOf({ message: "one" }), draftOf({ message: "two" })];
      await appendAll(app, drafts);
      const before = { head: await history.head(app), apps: await history.apps() };
      await reopen();
      expect({ head: await history.head(app), apps: await history.apps() }).toEqual(before);
      await expectAll(history, app, drafts);
      expect(await history.append(app, draftOf(), 2)).toMatchObject({ number: 3, parent: 2 });
    });

    test("another process sees what is appended, and is told of it", async () => {
      const other = await subject.beside?.();
      if (other === undefined) return;
      const app = newApp();
      const told: number[] = [];
      await other.watch(app, ({ number }) => told.push(number));
      const drafts = [draftOf({ message: "one" }), draftOf({ message: "two" })];
      await appendAll(app, drafts);
      await expectAll(other, app, drafts);
      await expect.poll(() => told).toEqual([1, 2]);
      await other.close();
      await expectAll(history, app, drafts);
    });
  });
}

export function draftOf(given: Partial<Draft> = {}): Draft {
  const documents = given.documents ?? [textDocument("config.ini", `value = ${randomBytes(4).toString("hex")}\n`)];
  return { author: "alice", at: 1_789_000_000_123, message: "why not", hash: "cafe01", ...given, documents };
}

export function textDocument(name: string, text: string): Document {
  return { name, bytes: Buffer.from(text) };
}

/** Every revision of the app, as get, list and head give it, is what was appended. */
export async function expectAll(history: History, app: string, drafts: readonly Draft[]): Promise<void> {
  const list = await history.list(app, { limit: drafts.length + 1 });
  expect(list).toHaveLength(drafts.length);
  for (const [index, { documents, ...said }] of drafts.entries()) {
    const number = index + 1;
    const info = { ...said, number, parent: index === 0 ? null : index };
    const revision = await history.get(app, number);
    expect(list.at(-number)).toEqual(info);
    expect(revision).toMatchObject(info);
    expect(revision?.documents.map(({ name }) => name)).toEqual(documents.map(({ name }) => name));
    // Not toEqual: it takes seconds for a mebibyte.
    documents.forEach(({ name, bytes }, at) => {
      expect(Buffer.from(revision?.documents[at]?.bytes ?? []).equals(bytes), `${name} of ${number}`).toBe(true);
    });
  }
}

function textOf(revision: Revision | undefined): string {
  return Buffer.concat(revision?.documents.map(({ bytes }) => bytes) ?? []).toString();
}

const hostileBytes: readonly Uint8Array[] = [
  Buffer.alloc(0),
  Buffer.from("[a]\r\nb = 1\r\n\r\n"),
  Buffer.from("no final newline"),
  Buffer.from("\n"),
  Buffer.from("a\0b\0"),
  Buffer.from("\ufeffü = ✓\n"),
  Buffer.from([0xff, 0xfe, 0x80, 0x0a]),
  Buffer.from("$Id$\ndata 5\nM 100644 inline x\ndone\n"),
  randomBytes(10_000),
  randomBytes(1024 * 1024),
  Buffer.alloc(1024 * 1024, "port = 80\n"),
];

const hostileTexts: readonly string[] = [
  "",
  " ",
  "\n",
  "\n\n  indented\n\n\n",
  "first line\n\nbody\n",
  "no\nblank line",
  "alice <alice@example.com>",
  "<>",
  "a\0b",
  "\u0007\u001b[31mred\r\n",
  "\ud800 half a pair",
  "日本語 — “quotes” 😀 \u2028",
  "from :1\ncommitter mallory <m> 0 +0000\ndata 100000\n",
  "hello\n\nApp: other\nRevision: 1\nHash: 00\nTime: 1970-01-01T00:00:00.000Z\n",
  'hello\n\nRevision: other/1\nHash: 00\nTime: 1970-01-01T00:00:00.000Z\nAuthor: "mallory"\n',
  "tree 0000\nparent 0000\n",
  "# looks like a comment",
  "--help",
  "x".repeat(60_000),
];

const badNames: readonly string[] = [
  "",
  ".",
  "..",
  "a/b",
  "/a",
  "a\\b",
  "a\nb",
  "a\0",
  ".git",
  ".GIT",
  ".gitattributes",
  "git~1",
  ".g\u200cit",
  "\ud800",
  "x".repeat(300),
];
