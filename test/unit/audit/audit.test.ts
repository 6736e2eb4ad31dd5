import { createHash } from "node:crypto";
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beginning, formatEntry, parseLink, readEntry } from "../../../src/audit/entry.ts";
import { listEntries, parseMoment } from "../../../src/audit/query.ts";
import { verifyAudit } from "../../../src/audit/verify.ts";
import { makeAudit, told } from "./bed.ts";

const texts = (folder: string) => listEntries(folder, { limit: 100 }).map(({ why }) => why);

async function write(audit: ReturnType<ReturnType<typeof makeAudit>["open"]>, count: number): Promise<void> {
  for (let number = 0; number < count; number++) await audit.append(told({ why: `change ${number}` }));
  await audit.settled();
}

describe("appending", () => {
  test("is a chain over several files, readable by the owner only", async () => {
    const { folder, open } = makeAudit();
    const audit = open();
    await write(audit, 9);
    const { entries, head, faults } = await verifyAudit(folder);
    expect({ entries, faults }).toEqual({ entries: 9, faults: [] });
    expect(head).toEqual(audit.head());
    const names = readdirSync(folder).toSorted();
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(statSync(path.join(folder, name)).mode & 0o777, name).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test("puts what comes at the same time on record in its order, in one round", async () => {
    const { folder, open } = makeAudit(1e6);
    const audit = open();
    await Promise.all(Array.from({ length: 50 }, (_, number) => audit.append(told({ why: `${number}` }))));
    expect(texts(folder)).toEqual(Array.from({ length: 50 }, (_, number) => `${49 - number}`));
    expect(new Set(listEntries(folder, { limit: 100 }).map(({ at }) => at)).size).toBeLessThan(4);
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });

  test("keeps nobody waiting for the head, and nobody else out", async () => {
    const { folder, open } = makeAudit(1e6);
    const audit = open();
    await write(audit, 1);
    await audit.append(told());
    const behind = readFileSync(path.join(folder, "head"), "utf8");
    await audit.settled();
    const head = readFileSync(path.join(folder, "head"), "utf8");
    expect([behind, head].map((text) => parseLink(text.trim())?.seq)).toEqual([1, 2]);
    expect(readdirSync(folder).toSorted()).toEqual(["000001.jsonl", "head"]);
  });

  test("leaves head and lock to whoever took them over", async () => {
    const { folder, open } = makeAudit(1e6);
    const audit = open();
    await write(audit, 1);
    await audit.append(told());
    const theirs = { head: "3:newer", lock: "" };
    renameSync(path.join(folder, "lock"), path.join(folder, "lock.aside"));
    for (const [name, text] of Object.entries(theirs)) writeFileSync(path.join(folder, name), text);
    await audit.settled();
    for (const [name, text] of Object.entries(theirs)) expect(readFileSync(path.join(folder, name), "utf8")).toBe(text);
  });

  test("goes on behind what another one appended, and begun a file for", async () => {
    const { folder, open } = makeAudit();
    const [one, other] = [open(), open()];
    for (let round = 0; round < 8; round++) await Promise.all([write(one, 1), write(other, 1), write(one, 1)]);
    const { entries, faults } = await verifyAudit(folder);
    expect({ entries, faults }).toEqual({ entries: 24, faults: [] });
  });

  test("clears up what a crash left of a head", async () => {
    const { folder, open } = makeAudit(1e6);
    await write(open(), 1);
    const left = path.join(folder, ".config-sync-AAAA-1");
    writeFileSync(left, "");
    await write(open(), 1);
    expect(readdirSync(folder).toSorted()).toEqual(["000001.jsonl", "head"]);
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });

  test("cuts a torn last line off, with a word", async () => {
    const { folder, open } = makeAudit(1e6);
    await write(open(), 2);
    appendFileSync(path.join(folder, "000001.jsonl"), '{"seq":3,"at"');
    expect((await verifyAudit(folder)).faults).toEqual([
      { file: "000001.jsonl", line: 3, text: "was not written to its end, or was cut" },
    ]);
    await write(open(), 1);
    expect(texts(folder)).toEqual([
      "change 0",
      "a line of 13 bytes that was not written to its end was cut off",
      "change 1",
      "change 0",
    ]);
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });

  test.each([
    ["by another process", true],
    ["under the hands of the one that goes on", false],
  ])("leaves the gap to be seen where the last entries were cut off, %s", async (_, anew) => {
    const { folder, open } = makeAudit(1e6);
    const audit = open();
    await write(audit, 4);
    const file = path.join(folder, "000001.jsonl");
    const lines = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, `${lines.slice(0, 2).join("\n")}\n`);
    if (!anew) rmSync(path.join(folder, "head"));
    await write(anew ? open() : audit, 1);
    expect((await verifyAudit(folder)).faults).toEqual([
      { file: "000001.jsonl", line: 3, text: "is entry 5, and entries 3 to 4 are missing before it" },
    ]);
    expect(texts(folder)).toContain("entries 3 to 4 are missing");
  });

  test.each([
    ["was not there", (head: string) => rmSync(head)],
    ["was damaged", (head: string) => writeFileSync(head, "5:damaged")],
  ])("says for all time that the head %s", async (why, harm) => {
    const { folder, open } = makeAudit(1e6);
    await write(open(), 2);
    harm(path.join(folder, "head"));
    await write(open(), 1);
    expect(texts(folder)[1]).toBe(`the file head ${why} and is written anew`);
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });

  test("says what it could not put on record, and goes on when it can", async () => {
    const { folder, open } = makeAudit();
    writeFileSync(folder, "a file in its place");
    const audit = open();
    await expect(audit.append(told())).rejects.toMatchObject({ code: "WRITE_FAILED" });
    rmSync(folder);
    await audit.append(told());
    expect((await verifyAudit(folder)).entries).toBe(1);
  });
});

describe("verify", () => {
  test("has nothing against a log that is not there", async () => {
    expect(await verifyAudit(makeAudit().folder)).toEqual({ entries: 0, head: undefined, faults: [] });
  });

  test("finds every flipped byte, wherever it is", async () => {
    const { folder, open } = makeAudit();
    await write(open(), 5);
    const files = readdirSync(folder).map((name) => path.join(folder, name));
    const place = fc.nat().chain((number) => {
      const file = files[number % files.length] ?? "";
      return fc.tuple(fc.constant(file), fc.nat(statSync(file).size - 1), fc.integer({ min: 1, max: 255 }));
    });
    await fc.assert(
      fc.asyncProperty(place, async ([file, at, mask]) => {
        const before = readFileSync(file);
        const bytes = Buffer.from(before);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        writeFileSync(file, bytes);
        const { faults } = await verifyAudit(folder);
        writeFileSync(file, before);
        expect(faults.map((fault) => fault.file)).toContain(path.basename(file));
        const line = before.subarray(0, at).toString("latin1").split("\n").length;
        if (path.basename(file) !== "head") expect(faults[0]?.line).toBe(line);
      }),
      { numRuns: 150 },
    );
  });

  test("finds bytes and lines that were cut out, swapped or doubled", async () => {
    const { folder, open } = makeAudit();
    await write(open(), 6);
    const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
    const original = new Map(names.map((name) => [name, readFileSync(path.join(folder, name))]));
    const all = Buffer.concat([...original.values()]);
    const lay = (bytes: Buffer): void => {
      let begin = 0;
      for (const [name, { length }] of original) {
        const isLast = name === names.at(-1);
        writeFileSync(path.join(folder, name), bytes.subarray(begin, isLast ? undefined : begin + length));
        begin += length;
      }
    };
    const lines = all.toString("latin1").split("\n").slice(0, -1);
    const join = (changed: readonly string[]) => Buffer.from(changed.map((line) => `${line}\n`).join(""), "latin1");
    const index = fc.nat(lines.length - 1);
    const cut = fc.tuple(fc.nat(all.length - 1), fc.integer({ min: 1, max: all.length })).map(([at, length]) => {
      return Buffer.concat([all.subarray(0, at), all.subarray(at + length)]);
    });
    const lost = index.map((at) => join(lines.toSpliced(at, 1)));
    const doubled = fc.tuple(index, index).map(([from, to]) => join(lines.toSpliced(to, 0, lines[from] ?? "")));
    const swapped = fc
      .tuple(index, index)
      .filter(([one, other]) => one !== other)
      .map(([one, other]) => join(lines.with(one, lines[other] ?? "").with(other, lines[one] ?? "")));
    await fc.assert(
      fc.asyncProperty(fc.oneof(cut, lost, doubled, swapped), async (bytes) => {
        lay(bytes);
        expect((await verifyAudit(folder)).faults).not.toEqual([]);
      }),
      { numRuns: 200 },
    );
    lay(all);
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });

  test("finds a file that was taken away, and a head", async () => {
    for (const name of ["000001.jsonl", "000002.jsonl", "000003.jsonl", "head"]) {
      const { folder, open } = makeAudit(300);
      await write(open(), 5);
      rmSync(path.join(folder, name));
      expect((await verifyAudit(folder)).faults, name).not.toEqual([]);
    }
  });

  test("finds a chain that was made anew by what was kept elsewhere", async () => {
    const { folder, open } = makeAudit();
    const audit = open();
    await write(audit, 3);
    const kept = audit.head();
    await write(audit, 1);
    expect((await verifyAudit(folder, kept)).faults).toEqual([]);
    rmSync(folder, { recursive: true });
    await write(open(), 4);
    expect((await verifyAudit(folder)).faults).toEqual([]);
    expect((await verifyAudit(folder, kept)).faults).toEqual([
      { file: "what was kept elsewhere", text: "remembers entry 3, which is another one now" },
    ]);
  });

  test("finds an entry that was told anew, with a hash that is right", async () => {
    const { folder, open } = makeAudit(1e6);
    await write(open(), 3);
    const file = path.join(folder, "000001.jsonl");
    const [first = "", second = "", third = ""] = readFileSync(file, "utf8").split("\n");
    const link = readEntry(Buffer.from(first))?.link ?? beginning;
    const { line } = formatEntry(told({ why: "another story" }), 2000, link);
    expect(line).not.toBe(`${second}\n`);
    writeFileSync(file, `${first}\n${line}${third}\n`);
    expect((await verifyAudit(folder)).faults).toEqual([
      { file: "000001.jsonl", line: 3, text: "does not follow the line before it" },
    ]);
  });

  test("takes a line of somebody else's for none, whatever its hash", async () => {
    const { folder, open } = makeAudit(1e6);
    const audit = open();
    await write(audit, 1);
    const { line } = formatEntry(told(), 0, audit.head() ?? beginning);
    expect(readEntry(Buffer.from(line.trimEnd()))).toBeDefined();
    truncateSync(path.join(folder, "000001.jsonl"), 0);
    appendFileSync(path.join(folder, "000001.jsonl"), line);
    expect((await verifyAudit(folder)).faults.length).toBeGreaterThan(0);
  });
});

describe("queries", () => {
  test("by time, actor and path, newest first", async () => {
    const { folder, open } = makeAudit();
    const audit = open();
    await audit.append(told({ keys: ["gitea.port"] }));
    await audit.append(told({ keys: ["gitea"], who: { name: "bob", kind: "key" } }));
    await audit.append(told({ keys: ["giteax.port", "web.port"] }));
    await audit.append(told({ what: "login" }));
    const seqs = (query: object) => listEntries(folder, { limit: 10, ...query }).map(({ seq }) => seq);
    expect(seqs({})).toEqual([4, 3, 2, 1]);
    expect(seqs({ limit: 2 })).toEqual([4, 3]);
    expect(seqs({ from: 2000, to: 3000 })).toEqual([3, 2]);
    expect(seqs({ actor: "bob" })).toEqual([2]);
    expect(seqs({ path: "gitea" })).toEqual([2, 1]);
    expect(seqs({ path: "gitea.port" })).toEqual([2, 1]);
    expect(seqs({ path: "gitea.user" })).toEqual([2]);
  });

  test("understand dates, times and durations", () => {
    const now = Date.UTC(2026, 10, 21);
    expect(parseMoment("2h", now, "--from")).toBe(now - 7_200_000);
    expect(parseMoment("2026-11-20", now, "--from")).toBe(now - 86_400_000);
    expect(parseMoment("2026-11-20T23:00", now, "--from")).toBe(now - 3_600_000);
    expect(parseMoment("2026-11-21T01:00+01:00", now, "--from")).toBe(now);
    for (const bad of ["", "tomorrow", "2026-13-45", "2026-02-31", "2026-02-31T08:00", "12"])
      expect(() => parseMoment(bad, now, "--from"), bad).toThrow(/--from is not a time/);
  });
});

test.each<[string, object]>([
  ["nobody", { who: undefined }],
  ["a name that is none", { who: { name: 5, kind: "user" } }],
  ["a place that is none", { from: 5 }],
  ["keys that are none", { keys: [5] }],
])(
  "a line that somebody made, with a right hash and %s, is a fault and keeps no other from being found",
  async (_, over) => {
    const { folder, open } = makeAudit(1e6);
    const audit = open();
    await write(audit, 1);
    const { seq, hash } = audit.head() ?? beginning;
    const body = JSON.stringify({ seq: seq + 1, at: 0, ...told(), ...over, prev: hash }).slice(0, -1);
    const own = createHash("sha256").update(body).digest("hex");
    appendFileSync(path.join(folder, "000001.jsonl"), `${body},"hash":"${own}"}\n`);
    expect(listEntries(folder, { limit: 9, actor: "ann", path: "" })).toEqual([]);
    expect(texts(folder)).toEqual(["change 0"]);
    expect((await verifyAudit(folder)).faults).toContainEqual({
      ...{ file: "000001.jsonl", line: 2, text: "is not what was written" },
    });
  },
);

describe("entries", () => {
  test("come back as they were written, whatever their texts hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.array(fc.string()), (why, keys) => {
        const { line, link } = formatEntry(told({ why, keys }), 5, { seq: 7, hash: beginning.hash });
        expect(line.match(/\n/g)).toHaveLength(1);
        const read = readEntry(Buffer.from(line.slice(0, -1)));
        expect(read).toMatchObject({ link, entry: { ...told({ why, keys }), seq: 8, at: 5 } });
      }),
    );
  });

  test("are cut where they are too long", () => {
    const { line } = formatEntry(told({ why: "x".repeat(5000), keys: Array(500).fill("a.b") }), 0, beginning);
    const entry = readEntry(Buffer.from(line.slice(0, -1)))?.entry;
    expect(entry?.why).toHaveLength(1001);
    expect(entry?.keys).toHaveLength(200);
    expect(entry?.moreKeys).toBe(300);
  });

  test("have places that can be written down", () => {
    expect(parseLink(`12:${beginning.hash}`)).toEqual({ seq: 12, hash: beginning.hash });
    for (const bad of ["", "12", "12:abc", `x:${beginning.hash}`]) expect(parseLink(bad)).toBeUndefined();
  });
});
