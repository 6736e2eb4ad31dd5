/**
 * Disks that are full, read-only, closed to us or broken: the daemon lives, the files stay whole, `status` says which file, why and
 * what to do, and when the fault is gone every service gets what it should have, with no new change.
 *
 * CONFIG_SYNC_DISK_ROUNDS=400 is the long run of the broken disk (about four minutes); CONFIG_SYNC_SEED=N repeats a run.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runCli, type Workspace } from "../support/workspace.ts";
import { seeded } from "./random.ts";
import { type Bed, first, type Kind, makeBed } from "./support/bed.ts";
import type { Document } from "./support/document.ts";

const rounds = Number(process.env.CONFIG_SYNC_DISK_ROUNDS ?? 6);
const seed = Number(process.env.CONFIG_SYNC_SEED ?? 20_261);
const patience = { timeout: 15_000, interval: 20 };

const beds: Bed[] = [];
afterEach(async () => {
  await Promise.all(beds.splice(0).map(({ stop }) => stop()));
});

/** A bed that is healthy on its first documents, with a disk of its own in place of a folder. */
async function bedOn(folder: string | undefined, kinds: readonly Kind[] = ["plain"]): Promise<Bed> {
  const prepare = async ({ at }: Workspace): Promise<void> => {
    if (folder === undefined) return;
    mkdirSync(at(folder), { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", at(folder)]);
  };
  const bed = await makeBed(kinds, { prepare });
  beds.push(bed);
  const daemon = await bed.start();
  await daemon.waitForLine(/watching/);
  for (const kind of kinds) await bed.settles(kind, first);
  return bed;
}

function fill({ at }: Workspace, folder: string): void {
  const fd = openSync(at(`${folder}/filler`), "w");
  try {
    for (;;) writeFileSync(fd, Buffer.alloc(4096, 1));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(fd);
  }
}

function remount({ at }: Workspace, how: "ro" | "rw"): void {
  execFileSync("mount", ["-o", `remount,${how}`, at("services")]);
}

function setImmutable({ at }: Workspace, sign: "+" | "-"): void {
  execFileSync("chattr", [`${sign}i`, at("services/plain/one.conf"), at("services/plain")]);
}

interface Fault {
  readonly what: string;
  /** A folder that is a disk of its own. */
  readonly disk: string | undefined;
  readonly begin: (workspace: Workspace) => void;
  readonly end: (workspace: Workspace) => void;
  /** What the person is told. */
  readonly says: RegExp;
}

const faults: readonly Fault[] = [
  {
    what: "outputs on a full disk",
    disk: "services",
    begin: (workspace) => fill(workspace, "services"),
    end: ({ at }) => rmSync(at("services/filler")),
    says: /services\/plain\/one\.conf: no space is left on the device\. Free some space/,
  },
  {
    what: "the state folder on a full disk",
    disk: "state",
    begin: (workspace) => fill(workspace, "state"),
    end: ({ at }) => rmSync(at("state/filler")),
    says: /state\/ledger\.jsonl: no space is left on the device\. Free some space/,
  },
  {
    what: "outputs on a disk that became read-only",
    disk: "services",
    begin: (workspace) => remount(workspace, "ro"),
    end: (workspace) => remount(workspace, "rw"),
    says: /services\/plain\/one\.conf: the file system is read-only\. Mount it writable/,
  },
  {
    what: "outputs that may not be changed",
    disk: undefined,
    begin: (workspace) => setImmutable(workspace, "+"),
    end: (workspace) => setImmutable(workspace, "-"),
    says: /services\/plain\/one\.conf: not permitted\. Look at the owner, and at immutable flags \(lsattr\)/,
  },
];

describe("a disk that fails", () => {
  test.each(faults)("$what: the old file stays, the person is told, and it heals by itself", async (fault) => {
    const bed = await bedOn(fault.disk);
    const stopReading = await bed.readFilesOf(["plain"]);
    fault.begin(bed.workspace);
    try {
      await bed.change("plain", { number: 2, filler: "b" });
      await vi.waitFor(async () => {
        const trouble = { code: "WRITE_FAILED", message: expect.stringMatching(fault.says) };
        expect(await bed.statusOf("plain")).toMatchObject({ state: "waiting", trouble, retryAt: expect.any(Number) });
      }, patience);
      const shown = await runCli(["status", "-w", bed.workspace.folder]);
      expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(fault.says) });
      for (const file of bed.files("plain"))
        expect(await bed.workspace.read(file.slice(bed.workspace.folder.length + 1))).toContain("begin 1");
    } finally {
      fault.end(bed.workspace);
    }
    await bed.settles("plain", { number: 2, filler: "b" });
    expect((await stopReading()).faults).toEqual([]);
    await bed.isClean();
  });

  test("a log that cannot be written does not end the daemon", async () => {
    const bed = await bedOn(undefined);
    await bed.kill();
    const main = new URL("../../src/main.ts", import.meta.url).pathname;
    const script = `exec "${process.execPath}" "${main}" start -w "${bed.workspace.folder}" > /dev/full 2>&1 & echo $! > "${bed.workspace.at("pid")}"`;
    execFileSync("sh", ["-c", script], { env: { ...process.env, CONFIG_SYNC_LEASH: bed.workspace.folder } });
    await bed.change("plain", { number: 2, filler: "b" });
    await bed.settles("plain", { number: 2, filler: "b" });
    process.kill(Number(await bed.workspace.read("pid")), "SIGTERM");
  });
});

test("a disk on which calls fail at random: every file whole all the time, and all healthy when it is over", async () => {
  const kinds = ["plain", "mounted", "linked"] as const;
  const bed = await makeBed(kinds);
  beds.push(bed);
  const order = bed.workspace.at("broken-disk");
  const daemon = await bed.start("broken-disk.ts", { BROKEN_DISK: order });
  await daemon.waitForLine(/watching/);
  for (const kind of kinds) await bed.settles(kind, first);
  const stopReading = await bed.readFilesOf(kinds);
  const random = seeded(seed);
  for (let round = 2; round < rounds + 2; round++) {
    const wanted: Document = { number: round, filler: random.pick(["a", "b", "c", "d"]) };
    writeFileSync(order, `${random.pick(["0.05", "0.2", "0.6"])} ${seed + round} ${random.pick(["all", "writing"])}`);
    for (const kind of kinds) await bed.change(kind, wanted);
    await sleep(random.below(500)); // so long the disk is broken
    rmSync(order);
    for (const kind of kinds) await bed.settles(kind, wanted);
  }
  expect((await stopReading()).faults).toEqual([]);
  const told = daemon.lines.join("\n");
  expect(told).toMatch(/waiting: Cannot write/);
  expect(told).not.toMatch(/INTERNAL|torn/);
  expect(await daemon.stop()).toBe(0);
  // What could not even be removed goes at the next start.
  await (await bed.start()).waitForLine(/watching/);
  await bed.isClean();
});
