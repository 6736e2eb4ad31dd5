import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDocument, type Document, isPair, splitLines } from "../../../../src/formats/ini/document.ts";
import { scanGo } from "../../../../src/formats/ini/go-lines.ts";
import { scanNpm } from "../../../../src/formats/ini/npm-lines.ts";
import { scanPython } from "../../../../src/formats/ini/python-lines.ts";
import { formats, merge, nastyText, unlessRefused } from "./support.ts";

const scans: [string, (text: string) => Document][] = [
  ["go-ini", scanGo],
  ["npm ini", scanNpm],
  ["Python", (text) => scanPython(text, { inlineComments: false, strict: true })],
  ["supervisord", (text) => scanPython(text, { inlineComments: true, strict: false })],
];

describe.each(scans)("the document as %s sees it", (_, scan) => {
  it("covers the text with its lines, without gaps and overlaps", () => {
    fc.assert(
      fc.property(fc.oneof(nastyText, fc.string({ unit: "binary" })), (text) => {
        const document = unlessRefused(() => scan(text));
        if (document === undefined) return;
        const covered = document.lines.map(({ start, end }) => text.slice(start, end)).join("");
        expect(text.slice(0, document.start) + covered).toBe(text);
        for (const [index, line] of document.lines.entries()) {
          expect(line.start).toBe(document.lines[index - 1]?.end ?? document.start);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("places keys and values inside their lines, and counts lines as an editor does", () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        for (const pair of unlessRefused(() => scan(text))?.lines.filter(isPair) ?? []) {
          expect(pair.start <= pair.key.start && pair.key.start <= pair.key.end).toBe(true);
          expect(pair.key.end <= pair.value.start && pair.value.start <= pair.value.end).toBe(true);
          expect(pair.value.end <= pair.end).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("lines", () => {
  it.each([
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["a\rb", ["a", "b"]],
    ["\ufeffa\n\nb", ["a", "", "b"]],
    ["", []],
    ["\n", [""]],
  ])("of %j end at LF, CRLF and CR", (text, lines) => {
    expect([...splitLines(text, "any")].map(({ start, end }) => text.slice(start, end))).toEqual(lines);
  });

  it("do not end at CR for the readers that know LF only", () => {
    expect([...splitLines("a\r\nb\rc", "\n")].map(({ number, start, end }) => [number, start, end])).toEqual([
      [1, 0, 1],
      [2, 3, 6],
    ]);
  });

  it.each([
    ["a\nb\r\n", "\n"],
    ["a\r\nb\n", "\r\n"],
    ["a\rb", "\r"],
    ["a", "\n"],
  ])("that are new in %j end as its first one", (text, newline) => {
    expect(createDocument(text, []).newline).toBe(newline);
  });
});

describe.each(formats.map((format) => [format.name, format] as const))("%s", (_, format) => {
  it("gives back any text unchanged when nothing is asked", () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        const merged = unlessRefused(() => merge(format, text, ""));
        if (merged !== undefined) expect(merged).toEqual({ text, written: [] });
      }),
      { numRuns: 500 },
    );
  });
});
