import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLedger, readLedger } from "../../../src/sync/ledger.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-sync-ledger-"));
  file = join(folder, "state", "ledger.jsonl");
});

afterEach(() => rm(folder, { recursive: true }));

const mark = (revision: number) => ({ revision, digest: `d${revision}`, at: 1 });

describe("ledger", () => {
  test("what was flushed is there after opening it again, without a close", async () => {
    const ledger = await openLedger(file);
    ledger.setRevision({ number: 3, hash: "h", at: 1 });
    ledger.update("gitea", { desired: mark(3) });
    ledger.update("gitea", { written: mark(3) });
    await ledger.flush();
    const again = await openLedger(file);
    expect(again.revision()).toEqual({ number: 3, hash: "h", at: 1 });
    expect(again.record("gitea")).toMatchObject({ desired: mark(3), written: mark(3), attempts: 0 });
    expect(again.mended).toEqual([]);
    await ledger.close();
    await again.close();
  });

  test("a record can be forgotten again", async () => {
    const ledger = await openLedger(file);
    ledger.update("gitea", { retryAt: 5 });
    ledger.update("gitea", { retryAt: undefined });
    await ledger.close();
    expect((await readLedger(file)).record("gitea").retryAt).toBeUndefined();
  });

  test("a torn last line is dropped and the rest stands", async () => {
    const ledger = await openLedger(file);
    ledger.update("gitea", { written: mark(1) });
    await ledger.close();
    await appendFile(file, '{"service":"gitea","record":{"written":{"revi');
    const again = await openLedger(file);
    expect(again.record("gitea").written).toEqual(mark(1));
    expect(again.mended).toHaveLength(1);
    await again.close();
    expect((await openAndClose()).mended).toEqual([]);
  });

  test.each([
    ["empty", (path: string) => truncate(path)],
    ["deleted", (path: string) => rm(path)],
    ["of another version", (path: string) => writeFile(path, '{"ledger":99}\n{"service":"x","record":{}}\n')],
    ["no ledger at all", (path: string) => writeFile(path, Buffer.from([0, 255, 10, 7]))],
  ])("a ledger that is %s starts anew", async (_, damage) => {
    const ledger = await openLedger(file);
    ledger.update("gitea", { written: mark(1) });
    await ledger.close();
    await damage(file);
    const again = await openLedger(file);
    expect(again.record("gitea").written).toBeUndefined();
    again.update("gitea", { written: mark(2) });
    await again.close();
    expect((await readLedger(file)).record("gitea").written).toEqual(mark(2));
  });

  test("it does not grow with the number of changes, and only its owner can read it", async () => {
    const ledger = await openLedger(file);
    const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, "x".repeat(32)]));
    for (let round = 0; round < 300; round++) {
      ledger.update("gitea", { keys, attempts: round });
      if (round % 20 === 0) await ledger.flush();
    }
    await ledger.close();
    const { size, mode } = await stat(file);
    expect(size).toBeLessThan(5 * 1024 * 1024);
    expect(mode & 0o777).toBe(0o600);
    expect((await readLedger(file)).record("gitea").attempts).toBe(299);
  });

  test("a write that fails is made good by the next one", async () => {
    const ledger = await openLedger(file);
    await rm(join(folder, "state"), { recursive: true });
    await writeFile(join(folder, "state"), "in the way");
    ledger.update("gitea", { keys: { a: "x".repeat(5 * 1024 * 1024) } });
    await expect(ledger.flush()).rejects.toThrow();
    await rm(join(folder, "state"));
    const elsewhere = await openLedger(file);
    await elsewhere.close();
    ledger.update("portainer", { attempts: 2 });
    await ledger.flush();
    const onDisk = await readLedger(file);
    expect(onDisk.record("portainer").attempts).toBe(2);
    expect(onDisk.record("gitea").keys.a).toHaveLength(5 * 1024 * 1024);
    await ledger.close();
  });

  async function openAndClose() {
    const ledger = await openLedger(file);
    await ledger.close();
    return ledger;
  }

  test("the file is lines of JSON that begin with the version", async () => {
    await openAndClose();
    expect(await readFile(file, "utf8")).toBe('{"ledger":3}\n');
  });
});
