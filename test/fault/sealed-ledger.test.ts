/** The way back of a daemon that is ended with SIGKILL, where the ledger is sealed; and where its key is gone when the next one starts. */
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKeyText } from "../../src/config/encryption.ts";
import { type Bed, first, makeBed } from "./support/bed.ts";

let bed: Bed;
const giveKey = (at: (file: string) => string) => writeFile(at("keys"), `${createKeyText()}\n`, { mode: 0o600 });

beforeEach(async () => {
  bed = await makeBed(["plain"], {
    settings: "encryption: { key_file: keys }\n",
    prepare: ({ at }) => giveKey(at),
  });
  await bed.start();
  await bed.settles("plain", first);
});
afterEach(() => bed.stop());

/** In the middle of a change that makes the service ill, with its files written and its way back sealed. */
async function dieOnTheWay(): Promise<void> {
  bed.dieAt("reloaded");
  await bed.change("plain", { number: 2, filler: "ILL" });
  await bed.died();
  bed.live();
  const ledger = await bed.workspace.read("state/ledger.jsonl");
  expect(ledger).toMatch(/"undo":"enc:v1:/);
  expect(ledger).not.toContain('"bytes"');
}

test("with its key, the last good state comes back", async () => {
  await dieOnTheWay();
  await bed.start();
  await bed.goesBack("plain", first);
  await bed.isClean();
});

test("without it, that is told, nothing else is put in the files, and the next good change is live", async () => {
  await dieOnTheWay();
  await giveKey(bed.workspace.at);
  const daemon = await bed.start();
  await daemon.waitForLine(
    /the ledger of plain, undo is sealed with key \w{8}, which is not here.*cannot be taken back/,
  );
  const written = await bed.workspace.read("services/plain/one.conf");
  expect(written).toContain("ILL");
  const next = { number: 3, filler: "well" };
  await bed.change("plain", next);
  await bed.settles("plain", next);
  await bed.isClean();
});
