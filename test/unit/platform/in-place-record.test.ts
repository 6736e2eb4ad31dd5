import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { padTo, parseRecord, wholeBlocks } from "../../../src/platform/safe-write/in-place.ts";

describe("a journal record", () => {
  it("that is damaged or foreign is none", () => {
    for (const text of ["", "{", "null", "[]", "{}", '{"target":"/a","before":"","after":"","sha256":"0"}'])
      expect(parseRecord(text)).toBeUndefined();
  });

  it("never throws, whatever is in the file", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseRecord(text)).toBeUndefined();
      }),
    );
  });
});

describe("padding", () => {
  it("puts newlines behind a content up to a length, and cuts nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(300), (bytes, length) => {
        const padded = padTo(Buffer.from(bytes), length);
        expect(padded.length).toBe(Math.max(bytes.length, length));
        expect(padded.subarray(0, bytes.length)).toEqual(Buffer.from(bytes));
        expect(padded.subarray(bytes.length).every((byte) => byte === 0x0a)).toBe(true);
      }),
    );
  });

  it.each([
    [0, 0],
    [1, 4096],
    [4096, 4096],
    [4097, 8192],
  ])("%i bytes take whole blocks of %i", (length, blocks) => {
    expect(wholeBlocks(length)).toBe(blocks);
  });
});
