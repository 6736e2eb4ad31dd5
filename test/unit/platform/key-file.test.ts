import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createKeyText } from "../../../src/config/encryption.ts";
import { addKey, keysOfFile, keysOfVariable, makeKeyFile, rawKeyOfFile } from "../../../src/platform/key-file.ts";

const folder = mkdtempSync(path.join(tmpdir(), "config-sync-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function place(text?: string | Buffer, mode = 0o600): string {
  const file = path.join(folder, `keys-${++count}`);
  if (text !== undefined) writeFileSync(file, text, { mode });
  return file;
}

const idsOf = (keys: readonly { id: string }[]) => keys.map(({ id }) => id);

describe("a file of keys", () => {
  test("is made closed to others, once, and leaves nothing beside it", async () => {
    const file = place();
    const { id } = await makeKeyFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(idsOf(keysOfFile(file)())).toEqual([id]);
    const before = readFileSync(file, "utf8");
    await expect(makeKeyFile(file)).rejects.toMatchObject({ code: "EXISTS" });
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(readdirSync(folder).filter((name) => name.startsWith(path.basename(file)))).toEqual([path.basename(file)]);
  });

  test("gets a new key in front, and keeps every other byte", async () => {
    const text = `# of the old host\n${createKeyText()}\n\n${createKeyText()} # older`;
    const file = place(text);
    const read = keysOfFile(file);
    const before = idsOf(read());
    const { id } = await addKey(file);
    expect(idsOf(read())).toEqual([id, ...before]);
    expect(readFileSync(file, "utf8").endsWith(text)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("keeps every key that is added in the same moment", async () => {
    const file = place(`${createKeyText()}\n`);
    const added = idsOf(await Promise.all([addKey(file), addKey(file), addKey(file)]));
    expect(idsOf(keysOfFile(file)()).slice(0, 3).toSorted()).toEqual(added.toSorted());
    expect(readdirSync(folder).filter((name) => name.startsWith(path.basename(file)))).toEqual([path.basename(file)]);
  });

  test("gets no key with which it could not be read any more", async () => {
    const text = `${createKeyText()}\n${"#".repeat(65_450)}`;
    const file = place(text);
    await expect(addKey(file)).rejects.toMatchObject({ code: "KEY_UNUSABLE" });
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(keysOfFile(file)()).toHaveLength(1);
  });

  test("is the same keys as long as its text is the same", () => {
    const file = place(`${createKeyText()}\n`);
    const read = keysOfFile(file);
    const keys = read();
    expect(read()).toBe(keys);
    writeFileSync(file, `${createKeyText()}\n`);
    expect(idsOf(read())).not.toEqual(idsOf(keys));
  });

  test.each<[string, () => string]>([
    ["is not there", () => place()],
    ["holds no key", () => place("# nothing\n")],
    ["holds something that is no key", () => place(`${createKeyText()}\nhunter2\n`)],
    ["can be read by others", () => place(`${createKeyText()}\n`, 0o640)],
    ["is a folder", () => folder],
    ["is larger than a list of keys", () => place(`${"#".repeat(70_000)}\n${createKeyText()}`)],
  ])("is refused where it %s", (_why, make) => {
    const file = make();
    const refusal = expect.objectContaining({ code: "KEY_UNUSABLE", place: { file } });
    expect(keysOfFile(file)).toThrow(refusal);
  });

  test("is judged, and replaced, where a link leads to", async () => {
    const target = place(`${createKeyText()}\n`);
    const link = place();
    symlinkSync(target, link);
    expect(keysOfFile(link)()).toHaveLength(1);
    await addKey(link);
    expect(keysOfFile(target)()).toHaveLength(2);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    chmodSync(target, 0o644);
    expect(keysOfFile(link)).toThrow(expect.objectContaining({ code: "KEY_UNUSABLE" }));
  });
});

test("keys of the environment stand with blanks or commas between them", () => {
  const written = [createKeyText(), createKeyText(), createKeyText()];
  const keys = keysOfVariable("KEYS", { KEYS: `${written[0]}, ${written[1]} ${written[2]}` })();
  expect(new Set(idsOf(keys)).size).toBe(3);
  expect(keysOfVariable("KEYS", {})).toThrow(expect.objectContaining({ code: "KEY_UNUSABLE" }));
});

test("a raw key has 32 bytes", () => {
  expect(rawKeyOfFile(place(Buffer.alloc(32, 7)))).toEqual(Buffer.alloc(32, 7));
  const short = place(Buffer.alloc(31));
  expect(() => rawKeyOfFile(short)).toThrow(expect.objectContaining({ code: "KEY_UNUSABLE" }));
});
