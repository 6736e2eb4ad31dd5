import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKeyText, isSealed, type Key, parseKey } from "../../../src/config/encryption.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { openLedger, readLedger } from "../../../src/sync/ledger.ts";
import type { ServiceRecord } from "../../../src/sync/record.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-sync-test-sealed-ledger-"));
  file = join(folder, "ledger.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

function makeKey(): Key {
  const key = parseKey(createKeyText());
  if (key === undefined) throw new Error("no key");
  return key;
}
const [one, other] = [makeKey(), makeKey()];

const planted = "hunter2-planted";
const actions: ServiceRecord["actions"] = {
  reloads: [{ kind: "http", spec: { password: planted }, shown: "POST /" }],
  probes: [],
};
const undo: ServiceRecord["undo"] = {
  files: [{ path: "/f", bytes: Buffer.from(planted).toString("base64"), mode: 0o600, uid: 0, gid: 0, inPlace: false }],
  wasRunning: true,
  rule: 0,
  owned: {},
  keys: {},
  form: "f",
};
const standby = { healthyOn: "x", actions, undo } as ServiceRecord["standby"];

/** Both as text and as base64, at any of its three offsets. */
async function expectNothingInClear(): Promise<void> {
  const text = await readFile(file, "utf8");
  expect(text).not.toContain(planted);
  for (const before of ["", "x", "xx"])
    expect(text).not.toContain(Buffer.from(`${before}${planted}`).toString("base64").slice(4, 16));
}

async function writeLedger(keys: Key[]): Promise<void> {
  const ledger = await openLedger(file, () => keys);
  ledger.update("gitea", { attempts: 2, undo, actions, standby });
  ledger.setRevision({ number: 3, hash: "h", at: 1 });
  await ledger.close();
}

describe("a ledger with a key", () => {
  test("holds nothing of files and actions in clear, appended or written whole, and is read back as it was", async () => {
    await writeLedger([one]);
    await expectNothingInClear();
    const again = await openLedger(file, () => [one]);
    expect(again.mended).toEqual([]);
    expect(again.record("gitea")).toMatchObject({ attempts: 2, undo, actions, standby });
    await again.close();
    await expectNothingInClear();
    expect((await readLedger(file, () => [other, one])).record("gitea")).toMatchObject({ undo, actions, standby });
  });

  test("takes over what a ledger without a key holds in clear, also one of version 2", async () => {
    const ledger = await openLedger(file);
    ledger.update("gitea", { undo, actions });
    await ledger.close();
    expect(await readFile(file, "utf8")).toContain(planted);
    await writeFile(file, (await readFile(file, "utf8")).replace('"ledger":3', '"ledger":2'));
    const sealed = await openLedger(file, () => [one]);
    expect(sealed.record("gitea")).toMatchObject({ undo, actions });
    await sealed.close();
    await expectNothingInClear();
  });

  test("is sealed with a new key at the next start, and forgets the old one", async () => {
    await writeLedger([one]);
    await (await openLedger(file, () => [other, one])).close();
    expect((await readLedger(file, () => [other])).record("gitea")).toMatchObject({ undo, actions, standby });
  });

  test("seals what stays the same only once", async () => {
    const ledger = await openLedger(file, () => [one]);
    ledger.update("gitea", { actions });
    await ledger.flush();
    ledger.update("gitea", { attempts: 1 });
    await ledger.close();
    const texts = (await readFile(file, "utf8")).match(/enc:v1:[\w:-]+/g) ?? [];
    expect(texts).toHaveLength(2);
    expect(new Set(texts).size).toBe(1);
  });
});

describe("a ledger whose key is another or gone", () => {
  test.each<[string, (() => readonly Key[]) | undefined]>([
    ["another", () => [other]],
    ["no longer in the settings", undefined],
    [
      "gone",
      () => {
        throw new ConfigSyncError("KEY_UNUSABLE", "the key file is not there");
      },
    ],
  ])("%s: says what cannot be taken back, uses nothing of it, and has it again with the key", async (_, keys) => {
    await writeLedger([one]);
    const ledger = await openLedger(file, keys);
    expect(ledger.mended.join("\n")).toMatch(
      /the ledger of gitea, undo is sealed with key .{8}, which is not here.*cannot be taken back/,
    );
    expect(ledger.record("gitea")).toMatchObject({
      attempts: 2,
      undo: undefined,
      actions: undefined,
      standby: undefined,
    });
    ledger.update("gitea", { attempts: 3 });
    await ledger.close();
    const again = await openLedger(file, () => [one]);
    expect(again.record("gitea")).toMatchObject({ attempts: 3, undo, actions, standby });
    await again.close();
  });

  test("forgets what has been said anew meanwhile", async () => {
    await writeLedger([one]);
    const ledger = await openLedger(file, () => [other]);
    ledger.update("gitea", { undo: undefined });
    await ledger.close();
    const again = await openLedger(file, () => [other, one]);
    expect(again.record("gitea").undo).toBeUndefined();
    expect(again.record("gitea").actions).toEqual(actions);
    await again.close();
  });

  test("a field that was moved to another service is not believed", async () => {
    await writeLedger([one]);
    const lines = await readFile(file, "utf8");
    const sealed = lines.match(/"undo":"(enc:[^"]+)"/)?.[1] ?? "";
    expect(isSealed(sealed)).toBe(true);
    await writeFile(file, `{"ledger":1}\n{"service":"nginx","record":{"undo":"${sealed}","actions":"what?"}}\n`);
    const ledger = await openLedger(file, () => [one]);
    expect(ledger.record("nginx")).toMatchObject({ undo: undefined, actions: undefined });
    expect(ledger.mended.join()).toMatch(/the ledger of nginx, undo/);
    await ledger.close();
  });

  test("is written in clear where there never was a key, and that is told; a key that comes later is used", async () => {
    let keys: Key[] | undefined;
    const ledger = await openLedger(file, () => {
      if (keys !== undefined) return keys;
      throw new ConfigSyncError("KEY_UNUSABLE", "the key file is not there");
    });
    expect(ledger.mended).toEqual(["the ledger is written in clear: the key file is not there"]);
    await ledger.close();
    keys = [one];
    await writeLedger(keys);
    await expectNothingInClear();
  });
});
