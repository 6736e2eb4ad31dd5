import { createCipheriv, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAes256Value, openAes256Value } from "../../../src/config/aes256-value.ts";
import { createKeyText, isSealed, type Key, keyIdOf, open, parseKey, seal } from "../../../src/config/encryption.ts";
import { ConfigSyncError } from "../../../src/errors.ts";

function newKey(): Key {
  const key = parseKey(createKeyText());
  if (key === undefined) throw new Error("a new key is not one");
  return key;
}

const [first, second] = [newKey(), newKey()];
const text = fc.string({ unit: "binary", maxLength: 200 });
const seats = fc.record({ app: fc.string(), path: fc.tuple(fc.string(), fc.string()) });
const seat = { app: "default", path: ["gitea", "user_pwd"] };

function refusalOf(work: () => unknown): ConfigSyncError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigSyncError) return error;
  }
  throw new Error("it was not refused");
}

describe("a sealed value", () => {
  test("opens to its text, whatever the text and wherever it stands", () => {
    fc.assert(
      fc.property(text, seats, (value, place) => {
        const sealed = seal(value, first, place);
        expect(sealed).toMatch(/^enc:v1:[0-9a-f]{8}:[\w-]+$/);
        expect(open(sealed, [second, first], place)).toBe(value);
      }),
    );
  });

  test("is another text each time", () => {
    expect(seal("same", first, seat)).not.toBe(seal("same", first, seat));
  });

  test("is refused in any other app, section or key", () => {
    fc.assert(
      fc.property(text, seats, seats, (value, place, other) => {
        fc.pre(JSON.stringify(place) !== JSON.stringify(other));
        const { code } = refusalOf(() => open(seal(value, first, place), [first], other));
        expect(code).toBe("SOURCE_INVALID");
      }),
    );
  });

  test("is refused where segments are only cut otherwise", () => {
    const sealed = seal("x", first, { app: "a", path: ["b", "c"] });
    for (const other of [
      { app: "a", path: ["b.c"] },
      { app: "a.b", path: ["c"] },
      { app: "", path: ["a", "b", "c"] },
    ])
      expect(refusalOf(() => open(sealed, [first], other)).code).toBe("SOURCE_INVALID");
  });

  test("is refused with any bit flipped, the spare ones of base64 included", () => {
    for (const value of ["", "a", "ab", "abc", "hunter2 Ω"]) {
      const sealed = seal(value, first, seat);
      for (let index = 0; index < sealed.length; index++) {
        for (let bit = 0; bit < 8; bit++) {
          const flipped = String.fromCharCode(sealed.charCodeAt(index) ^ (1 << bit));
          const damaged = sealed.slice(0, index) + flipped + sealed.slice(index + 1);
          expect(refusalOf(() => open(damaged, [first, second], seat)).code).toBe("SOURCE_INVALID");
        }
      }
    }
  });

  test("is refused where it is cut", () => {
    const sealed = seal("hunter2", first, seat);
    for (let length = "enc:v1:".length; length < sealed.length; length++)
      expect(refusalOf(() => open(sealed.slice(0, length), [first], seat)).code).toBe("SOURCE_INVALID");
  });

  test("names the key that is missing, and no secret", () => {
    const refusal = refusalOf(() => open(seal("hunter2", first, seat), [second], seat));
    expect(refusal).toMatchObject({ code: "SOURCE_INVALID", key: "gitea.user_pwd" });
    expect(refusal.message).toContain(first.id);
    expect(refusal.toText()).not.toContain("hunter2");
  });

  test("is known as such, also when it is damaged", () => {
    expect([seal("x", first, seat), "enc:v1:", "enc:v1:junk"].map(isSealed)).toEqual([true, true, true]);
    expect(["enc:v2:x", " enc:v1:", "ENC:V1:"].map(isSealed)).toEqual([false, false, false]);
    expect(keyIdOf(seal("x", first, seat))).toBe(first.id);
  });

  test("cannot be made of half a character", () => {
    expect(refusalOf(() => seal("a\ud800", first, seat)).code).toBe("UNREPRESENTABLE");
  });
});

describe("a key", () => {
  test("is 32 bytes in either base64, and the same key has the same id", () => {
    const bytes = randomBytes(32);
    const keys = [bytes.toString("base64"), bytes.toString("base64url")].map(parseKey);
    expect(keys[0]?.id).toBe(keys[1]?.id);
    expect(keys.map((key) => key?.bytes.equals(bytes))).toEqual([true, true]);
  });

  test.each(["", "short", "x".repeat(42), "x".repeat(44), `${"x".repeat(42)} `])("is not %j", (written) => {
    expect(parseKey(written)).toBeUndefined();
  });
});

describe("a value of Websoft9", () => {
  const key = randomBytes(32);
  const encrypt = (value: string): string => {
    const iv = randomBytes(16);
    const encryption = createCipheriv("aes-256-cbc", key, iv);
    const bytes = Buffer.concat([iv, encryption.update(value, "utf8"), encryption.final()]);
    return `AES256:${bytes.toString("base64")}`;
  };

  test("opens to its text", () => {
    fc.assert(
      fc.property(text, (value) => {
        const encrypted = encrypt(value);
        expect(isAes256Value(encrypted)).toBe(true);
        expect(openAes256Value(encrypted, key, seat)).toBe(value);
      }),
    );
  });

  test("is refused without its key", () => {
    expect(refusalOf(() => openAes256Value(encrypt("hunter2"), undefined, seat)).code).toBe("SOURCE_INVALID");
  });

  test("is not every text that begins so", () => {
    expect(["AES256:", "AES256:xxxxx", "AES256:my own password", "AES25:AAAA"].map(isAes256Value)).toEqual([
      ...[false, false, false, false],
    ]);
  });
});
