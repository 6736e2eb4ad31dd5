/**
 * A ledger whose file is torn, overwritten, deleted or another version's: nothing that never was is believed, and what is lost costs
 * one reload. `LEDGER_ROUNDS=2000` is the long run (default 100).
 */
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openLedger, readLedger } from "../../src/sync/ledger.ts";
import { emptyRecord, type ServiceRecord } from "../../src/sync/record.ts";
import { seeded } from "./random.ts";
import { type Bed, first, makeBed } from "./support/bed.ts";
import type { Document } from "./support/document.ts";

const rounds = Number(process.env.LEDGER_ROUNDS ?? 100);
const seed = Number(process.env.LEDGER_SEED ?? 1);
const random = seeded(seed);
const services = ["gitea", "portainer", "proxy"];

describe(`the file (seed ${seed})`, () => {
  let folder: string;
  let file: string;
  /** Every record that a service ever had, in order. */
  let had: Map<string, ServiceRecord[]>;
  let whole: Buffer;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "config-sync-ledger-"));
    file = join(folder, "ledger.jsonl");
    had = new Map(services.map((name) => [name, [emptyRecord]]));
    const ledger = await openLedger(file);
    ledger.setRevision({ number: 12, hash: "h", at: 1 });
    for (let change = 0; change < 12; change++) {
      const name = services[change % services.length] ?? "";
      had.get(name)?.push(ledger.update(name, recordOf(change)));
      await ledger.flush();
    }
    await ledger.close();
    whole = readFileSync(file);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Damages the file, opens it, and fails where a record is none that was. */
  const openDamaged = async (damaged: Buffer) => {
    writeFileSync(file, damaged);
    const ledger = await openLedger(file);
    for (const name of services) expect(had.get(name)).toContainEqual(ledger.record(name));
    const { mended, record } = ledger;
    await ledger.close();
    return { mended, record };
  };

  test("torn at any byte, it has an earlier record of each service, and the next start finds it in order", async () => {
    for (let round = 0; round < rounds; round++) {
      await openDamaged(whole.subarray(0, random.below(whole.length)));
      const again = await openLedger(file);
      expect(again.mended).toEqual([]);
      await again.close();
    }
  });

  test("overwritten anywhere, nothing that never was is believed, and the lines beside it stand", async () => {
    for (let round = 0; round < rounds; round++) {
      const damaged = Buffer.from(whole);
      const from = random.below(damaged.length);
      const to = random.chance(0.5) ? from + 1 : from + random.below(300);
      for (let at = from; at < Math.min(to, damaged.length); at++) damaged[at] = 32 + random.below(95);
      const { mended, record } = await openDamaged(damaged);
      if (damaged.equals(whole)) continue;
      expect(mended.join()).toMatch(/torn/);
      if (to < whole.lastIndexOf('{"service"')) expect(record("proxy")).toEqual(had.get("proxy")?.at(-1));
    }
  });

  test("a digit that changed in the bytes of a way back is noticed", async () => {
    const text = whole.toString("latin1");
    const at = text.lastIndexOf('"bytes":"') + 12;
    const damaged = Buffer.from(whole);
    damaged[at] = damaged[at] === 65 ? 66 : 65;
    const { mended } = await openDamaged(damaged);
    expect(mended).toEqual([expect.stringMatching(/^line \d+ of the ledger was torn/)]);
  });

  test("of version 1, whose lines have no sums, it is understood", async () => {
    const record = { ...recordOf(3), form: undefined };
    const lines = [{ ledger: 1 }, { revision: { number: 7, hash: "x", at: 2 } }, { service: "gitea", record }];
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const ledger = await openLedger(file);
    expect(ledger.mended).toEqual([]);
    expect(ledger.revision()?.number).toBe(7);
    expect(ledger.record("gitea")).toEqual({ ...emptyRecord, ...record });
    await ledger.close();
    expect((await readLedger(file)).record("gitea")).toEqual({ ...emptyRecord, ...record });
  });

  test.each([
    ["a record that is none", '{"ledger":1}\n{"service":"gitea","record":5}\n{"service":7,"record":{}}\n[]\nnull\n'],
    ["of a newer version", '{"ledger":99}\n{"service":"gitea","record":{"undo":"what?"}}\n'],
    ["a line without a sum", '{"ledger":2}\n{"service":"gitea","record":{"undo":"what?"}}\n'],
  ])("%s is told and not believed", async (_, text) => {
    writeFileSync(file, text);
    const ledger = await openLedger(file);
    expect(ledger.mended.join()).toMatch(/torn|newer version 99/);
    expect(ledger.record("gitea")).toEqual(emptyRecord);
    await ledger.close();
  });

  test("without its first line, or the one of the revision, it loses no record and gives no number twice", async () => {
    const text = whole.toString().split("\n").slice(2).join("\n");
    writeFileSync(file, `garbage\n${text}`);
    const ledger = await openLedger(file);
    for (const name of services) expect(ledger.record(name)).toEqual(had.get(name)?.at(-1));
    expect(ledger.revision()?.number).toBe(11);
    await ledger.close();
  });

  test.each([
    ["deleted", () => rmSync(file)],
    ["deleted with its folder", () => rmSync(folder, { recursive: true })],
    ["cut off", () => truncateSync(file, 40)],
    ["written to", () => appendFileSync(file, "x")],
    ["replaced", () => replace(file)],
  ])("%s while it is in use, the next write brings all of it back", async (_, damage) => {
    const ledger = await openLedger(file);
    ledger.update("gitea", { attempts: 1 });
    await ledger.flush();
    damage();
    ledger.update("portainer", { attempts: 2 });
    await ledger.flush();
    const onDisk = await readLedger(file);
    expect(onDisk.record("gitea").attempts).toBe(1);
    expect(onDisk.record("portainer").attempts).toBe(2);
    expect(onDisk.revision()?.number).toBe(12);
    await ledger.close();
  });

  test("what could not be written is written when it can be, without being asked again", async () => {
    const ledger = await openLedger(file);
    await rm(folder, { recursive: true });
    await writeFile(folder, "in the way");
    ledger.update("gitea", { attempts: 5 });
    await expect(ledger.flush()).rejects.toMatchObject({
      code: "WRITE_FAILED",
      message: expect.stringContaining(file),
    });
    await rm(folder);
    await expect.poll(async () => (await readLedger(file)).record("gitea").attempts).toBe(5);
    await ledger.close();
  });
});

describe(`a daemon (seed ${seed})`, () => {
  const names = ["plain", "linked", "mounted"] as const;
  let bed: Bed;
  let file: string;
  let number = 1;
  const on = new Map<string, Document>(names.map((name) => [name, first]));

  beforeAll(async () => {
    bed = await makeBed(names);
    file = bed.workspace.at("state/ledger.jsonl");
    await bed.start();
    await change();
  });
  afterAll(() => bed?.stop());

  const change = async () => {
    for (const name of names) {
      on.set(name, { number: ++number, filler: "l".repeat(1 + random.below(3000)) });
      await bed.change(name, on.get(name) ?? first);
    }
    await settle();
    for (const name of names) bed.reloads(name);
  };
  const settle = async () => {
    for (const name of names) await bed.settles(name, on.get(name) ?? first);
    await bed.isClean();
  };

  test.each<[string, RegExp | undefined, (text: Buffer) => Buffer | undefined]>([
    ["torn", undefined, (text) => text.subarray(0, random.below(text.length))],
    [
      "overwritten in the middle",
      /torn/,
      (text) => Buffer.concat([text.subarray(0, 100), Buffer.alloc(200, "#"), text.subarray(300)]),
    ],
    ["emptied", undefined, () => Buffer.alloc(0)],
    ["deleted", undefined, () => undefined],
    ["of a newer version", /newer version 99/, () => Buffer.from('{"ledger":99}\n')],
    ["no text", /torn/, () => Buffer.from([0, 255, 10, 254, 1])],
  ])("finds it %s at its start: every service is healthy after one more reload at most", async (_, told, damage) => {
    await change();
    await bed.kill();
    const damaged = damage(await readFile(file));
    if (damaged === undefined) await rm(file);
    else await writeFile(file, damaged);
    const daemon = await bed.start();
    await settle();
    if (told !== undefined) await daemon.waitForLine(told);
    for (const name of names) expect(bed.reloads(name)).toBeLessThanOrEqual(1);
  });

  test("loses it while it runs: a kill after the next change costs no reload", async () => {
    await rm(file);
    await change();
    const records = async () => {
      const ledger = await readLedger(file);
      return names.map((name) => ledger.record(name));
    };
    await expect.poll(records).toMatchObject(names.map(() => ({ undo: undefined, attempts: 0 })));
    await bed.kill();
    await bed.start();
    await settle();
    for (const name of names) expect(bed.reloads(name)).toBe(0);
  });
});

function recordOf(change: number): ServiceRecord {
  const mark = { revision: change, digest: `d${change}`, at: change };
  const bytes = Buffer.from(`the file before change ${change}\n`.repeat(1 + random.below(20))).toString("base64");
  const before = { path: "/etc/app.ini", bytes, mode: 0o640, uid: 0, gid: 0, inPlace: false };
  const undo = { files: [before], wasRunning: true, rule: 0, owned: {}, keys: {}, form: undefined };
  return { ...emptyRecord, desired: mark, written: mark, keys: { "a.b": `${change}` }, undo };
}

/** As an editor does, or somebody who restores a backup. */
function replace(file: string): void {
  writeFileSync(`${file}.new`, readFileSync(file));
  renameSync(`${file}.new`, file);
}
