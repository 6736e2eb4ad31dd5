import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigSyncError } from "../../../../src/errors.ts";
import { editConfigIni, readConfigIni } from "../../../../src/formats/ini/config-ini.ts";
import { formats, merge } from "./support.ts";

const readers = [...formats, { name: "config.ini", read: readConfigIni }];
const mebibyte = 1024 * 1024;

/** Quadratic work on so many takes minutes, and the test its time limit; six readers are through in a second. */
const many = 100_000;

/** Texts that cost a careless reader an hour. */
const costly: [string, string][] = [
  ["10,000 sections", Array.from({ length: 10_000 }, (_, i) => `[s${i}]\nk = ${i}\n`).join("")],
  ["100,000 keys", `[s]\n${Array.from({ length: 100_000 }, (_, i) => `key${i} = ${i}\n`).join("")}`],
  ["a value of 1 MiB", `[s]\nk = ${"x".repeat(mebibyte)}\n`],
  ["keys like headers", "[a=1\n".repeat(many / 5)],
  ["nothing but CR", "\r".repeat(many)],
  ["one line of brackets", "[".repeat(mebibyte)],
  ["one line of blanks", `[s]\nk = a${" ".repeat(mebibyte)}b\n`],
  ["continuation lines without end", `[s]\nk = 1\n${"  more\n".repeat(many / 5)}`],
  ["blank lines before the end of a value", `[s]\nk = 1\n${"\n".repeat(many)}  2\n`],
  ["nothing but %(", `[s]\nk = ${"%(".repeat(many)}\n`],
  ["nothing but comment marks", `[s]\nk = ${"a;#".repeat(many)}\n`],
  ["nothing but backticks", `[s]\nk = ${"`\n".repeat(many / 2)}`],
  ["nothing but quotes", `[s]\nk = ${'"'.repeat(many)}\n`],
  ["dots without end", `[${"a.".repeat(many)}a]\nk = 1\n`],
  ["duplicates without end", `[s]\n${"k = 1\n".repeat(many / 5)}`],
  ["list items without end", `[s]\n${"k[] = 1\n".repeat(many / 5)}`],
  ["many references to one key", `[s]\na = 1\n${Array.from({ length: 20_000 }, (_, i) => `k${i} = %(a)s\n`).join("")}`],
  ["a value of references", `[s]\na = 1\nk = ${"%(a)s".repeat(many / 5)}\n`],
  [
    "a long chain of references",
    `[s]\n${Array.from({ length: 20_000 }, (_, i) => `k${i} = %(k${i + 1})s\n`).join("")}`,
  ],
];

describe.each(readers.map((reader) => [reader.name, reader] as const))("%s", (_, { read }) => {
  it.each(costly)("reads or refuses %s at once", (_name, text) => {
    refuseOrRead(() => read(text));
  });

  it("reads or refuses any bytes, with a place", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const error = refuseOrRead(() => read(new TextDecoder().decode(bytes)));
        if (error !== undefined) expect(error.place.line).toBeGreaterThan(0);
      }),
    );
  });
});

describe.each(formats.map((format) => [format.name, format] as const))("%s", (_, format) => {
  it("writes a value of 1 MiB or refuses it at once", () => {
    for (const unit of ["x", '`"', "%(", " ;\n"]) {
      refuseOrRead(() => format.write(unit.repeat(mebibyte / unit.length)));
    }
  }, 30_000);

  it("merges 10,000 keys into as many sections at once", () => {
    const [[, sections = ""] = []] = costly;
    const merged = merge(format, sections, sections.replaceAll("k = ", "n = "));
    expect(merged.written.length).toBe(10_000);
  });

  it("takes __proto__ and constructor for the names that they are, or says that it cannot", () => {
    const text = "[constructor]\n__proto__ = 1\n[__proto__]\nconstructor = 2\n";
    const error = refuseOrRead(() => {
      const paths = format.read(text).map(({ path }) => path);
      expect(paths).toEqual([
        ["constructor", "__proto__"],
        ["__proto__", "constructor"],
      ]);
    });
    expect(error === undefined).toBe(["ini:gitea", "ini:python", "ini:supervisor"].includes(format.name));
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

it("config.ini with 10,000 sections is edited at once", () => {
  const [[, sections = ""] = []] = costly;
  const edits = Array.from({ length: 1000 }, (_, i) => ({ path: [`s${i}`, "k"], value: "x" }));
  expect(readConfigIni(editConfigIni(sections, edits)).filter(({ value }) => value === "x").length).toBe(1000);
});

function refuseOrRead(act: () => unknown): ConfigSyncError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigSyncError && error.code !== "INTERNAL") return error;
    throw error;
  }
}
