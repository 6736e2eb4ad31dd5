import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFrames, encodeFrame } from "../../../src/history/git/frame.ts";

const frames = fc.array(fc.tuple(fc.jsonValue(), fc.array(fc.uint8Array(), { maxLength: 3 })), { maxLength: 5 });

function encodeAll(given: readonly (readonly [unknown, readonly Uint8Array[]])[]): Buffer[] {
  return given.map(([value, body]) => encodeFrame(value, body));
}

describe("frames of the journal", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(frames, (given) => {
        const bytes = Buffer.concat(encodeAll(given));
        const read = decodeFrames(bytes);
        expect(read.end).toBe(bytes.length);
        expect(read.frames.map(({ value }) => value)).toEqual(
          given.map(([value]) => JSON.parse(JSON.stringify(value))),
        );
        expect(read.frames.map(({ body }) => body)).toEqual(given.map(([, body]) => Buffer.concat(body)));
      }),
    );
  });

  it("torn at any byte, or followed by anything, are read as far as they are whole", () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.uint8Array(), (given, at, garbage) => {
        const encoded = encodeAll(given);
        const bytes = Buffer.concat(encoded);
        const length = at % (bytes.length + 1);
        const { frames: read, end } = decodeFrames(Buffer.concat([bytes.subarray(0, length), garbage]));
        const ends = encoded.map((_, index) => Buffer.concat(encoded.slice(0, index + 1)).length);
        expect(read.length).toBeGreaterThanOrEqual(ends.filter((one) => one <= length).length);
        expect([0, ...ends]).toContain(end);
      }),
    );
  });

  it("with any byte changed are not taken for whole", () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.uint8Array(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (value, body, at, change) => {
          const bytes = encodeFrame(value, [body]);
          const place = at % bytes.length;
          bytes[place] = (bytes[place] ?? 0) ^ change;
          expect(decodeFrames(bytes)).toEqual({ frames: [], end: 0 });
        },
      ),
    );
  });
});
