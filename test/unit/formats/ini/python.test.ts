import { describe, expect, it } from "vitest";
import { pythonIni } from "../../../../src/formats/ini/python.ts";
import { merge, refusal, valuesOf } from "./support.ts";

const read = (text: string): Record<string, string> => valuesOf(pythonIni, text);

describe("Python reads", () => {
  it.each([
    ["a=b ; c", "b ; c"],
    ["a=b # c", "b # c"],
    ["a=ab#cd", "ab#cd"],
    ["a=b\\;c", "b\\;c"],
    ["a=p\\\\b", "p\\\\b"],
    ['a="x y"', '"x y"'],
    ["a: b", "b"],
    ["A = b", "b"],
    ["a = b=c:d", "b=c:d"],
    ["a =   b   ", "b"],
    ["a=l1\n  l2", "l1\nl2"],
    ["a=l1\n  l2=3", "l1\nl2=3"],
    ["a=l1\n\n  l3\n", "l1\n\nl3"],
    ["a=l1\n  # c\n  l2", "l1\nl2"],
    ["a=\n  l2", "\nl2"],
    ["a=abc\\\nb=1", "abc\\"],
    ["a=50%%", "50%"],
    ["a=%(b)s/x\nb=1", "1/x"],
    ["a=%(B)s/x\nb=1", "1/x"],
    ["a=$b", "$b"],
    ["a=true", "true"],
  ])("%j as %j", (line, value) => {
    expect(read(`[s]\n${line}`)["s.a"]).toBe(value);
  });

  it.each([
    ["a=50%", "50%"],
    ["a=%(nobody)s", "%(nobody)s"],
    ["a=%(levelname)-5.5s [%(name)s]", "%(levelname)-5.5s [%(name)s]"],
    ["a=%(a)s", "%(a)s"],
    ["a=%(b)s\nb=5%", "%(b)s"],
  ])("%j raw, since asking for it in any other way fails", (line, value) => {
    expect(read(`[s]\n${line}`)["s.a"]).toBe(value);
  });

  it.each([
    ["[a.b]\nx=1\n[a]\nb=2", { "a.b.x": "1", "a.b": "2" }],
    ["[ s ] trailing\nx=1", { " s .x": "1" }],
    ["[a]b]\nx=1", { "a]b.x": "1" }],
    ["  [s]\n  x=1", { "s.x": "1" }],
    ["[DEFAULT]\nhome=/h\n[s]\nx=%(home)s/x", { "DEFAULT.home": "/h", "s.x": "/h/x" }],
    ["[s]\r\nx=1\r\n", { "s.x": "1" }],
    ["[s]\rx=1\r", { "s.x": "1" }],
  ])("%j as %j", (text, values) => {
    expect(read(text)).toEqual(values);
  });

  it.each([
    ["[s]\nflag\n", 2],
    ["[s]\n= x\n", 2],
    ["x=1\n", 1],
    ["[s]\na=1\nA=2\n", 3],
    ["[s]\n[s]\n", 2],
    ["[]\n", 1],
    ["\ufeff[s]\n", 1],
  ])("nothing of %j", (text, line) => {
    expect(refusal("PARSE_FAILED", () => pythonIni.read(text)).place.line).toBe(line);
  });
});

describe("Python is written", () => {
  it.each([
    ["50%", "50%%"],
    ["%(a)s", "%%(a)s"],
    ["l1\nl2", "l1\n\tl2"],
    ["l1\n\nl3", "l1\n\t\n\tl3"],
    ["a#b;c", "a#b;c"],
  ])("%j as %j", (value, written) => {
    expect(pythonIni.write(value)).toBe(written);
  });

  it.each(["l1\n# l2", "l1\n; l2", "l1\n", "l1\n l2", " x", "x\t", "x\u00a0", "a\rb", "a\r\nb"])(
    "never as %j",
    (value) => {
      refusal("UNREPRESENTABLE", () => pythonIni.write(value));
    },
  );

  it("takes a value on an indented line for a part, so that no further line of it can become a key", () => {
    expect(pythonIni.alone.before.test("[s]\n    k = ")).toBe(false);
    refusal("UNREPRESENTABLE", () => pythonIni.writePart("a\n\tevil = 1"));
  });
});

describe("a Python file is merged", () => {
  it("with further lines deeper than their key, and ending as the file's", () => {
    expect(merge(pythonIni, "[s]\r\n  url = old\r\n  z = 1\r\n", "[s]\nurl = a\n\tb\n").text).toBe(
      "[s]\r\n  url = a\r\n  \tb\r\n  z = 1\r\n",
    );
  });

  it("with all lines of a value replaced or removed", () => {
    const existing = "[s]\na = 1\n  2\n\n  3\n\n# c\nb = 1\n";
    expect(merge(pythonIni, existing, "[s]\na = x\n").text).toBe("[s]\na = x\n\n# c\nb = 1\n");
    expect(merge(pythonIni, existing, "", [["s", "a"]]).text).toBe("[s]\n\n# c\nb = 1\n");
  });

  it("with a reference replaced by the value that is asked, even if it means the same today", () => {
    expect(merge(pythonIni, "[s]\nb=1\na=%(b)s\n", "[s]\na=1\n").text).toBe("[s]\nb=1\na=1\n");
  });

  it("although it holds formats that only a logger understands", () => {
    const existing = "[log]\nformat = %(levelname)-5.5s %(message)s\n[s]\na = 1\n";
    expect(merge(pythonIni, existing, "[s]\na = 2\n").text).toBe(existing.replace("a = 1", "a = 2"));
  });

  it("with keys compared in lower case, spelled as the file does", () => {
    expect(merge(pythonIni, "[s]\nKey: 1\n", "[s]\nkey = 2\nNew = 3\n").text).toBe("[s]\nKey: 2\nNew: 3\n");
  });
});
