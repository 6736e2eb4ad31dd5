import fc from "fast-check";
import ini from "ini";
import { describe, expect, it } from "vitest";
import { genericIni } from "../../../../src/formats/ini/generic.ts";
import { merge, nastyText, nastyValue, refusal, unlessRefused, valuesOf } from "./support.ts";

const read = (text: string): Record<string, string> => valuesOf(genericIni, text);

describe("npm ini reads", () => {
  it.each([
    ["a=b ; c", "b"],
    ["a=b # c", "b"],
    ["a=ab#cd", "ab"],
    ["a=ab;cd", "ab"],
    ["a=b\\;c", "b;c"],
    ["a=b\\#c", "b#c"],
    ["a=p\\\\b", "p\\b"],
    ['a="x y"', "x y"],
    ['a="x#y;z"', "x#y;z"],
    ["a='x#y'", "x#y"],
    ['a="x" ; note', '"x"'],
    ['a="x" and "y"', '"x" and "y"'],
    ['a="x\\"y"', 'x"y'],
    ['a="l1\\nl2"', "l1\nl2"],
    ["a=`p#a;s`", "`p"],
    ["a=true", "true"],
    ["a=yes", "yes"],
    ["a=null", "null"],
    ["a=007", "007"],
    ["a='12'", "12"],
    ["a", "true"],
    ["a =   b   ", "b"],
    ["a=b=c=d", "b=c=d"],
    ["a=1\na=2", "2"],
    ["a#b=1", "1"],
    ['"a"=1', "1"],
    ['a="', '"'],
    ["a='", ""],
    ['a="abc', '"abc'],
    ["a=%(b)s 50%", "%(b)s 50%"],
  ])("%j as %j", (line, value) => {
    expect(read(`[s]\n${line}\n`)).toEqual({ "s.a": value });
  });

  it.each([
    ["root=1\n[s]\na=2", { root: "1", "s.a": "2" }],
    ["[a]\ny=1\n[a.b]\nx=2", { "a.y": "1", "a.b.x": "2" }],
    ["[s]\na[]=1\na[]=2", { "s.a.0": "1", "s.a.1": "2" }],
    ["[s]\na=1\na[]=2", { "s.a.0": "1", "s.a.1": "2" }],
    ["[ s ]\na=1", { "s.a": "1" }],
    ['[remote "o"]\na=1', { 'remote "o".a': "1" }],
    ["[s]\na=1\n[t]\n[s]\nb=2", { "s.a": "1", "s.b": "2" }],
    ["[s]\r\na=1\rb=2", { "s.a": "1", "s.b": "2" }],
    ["[s]\na: b", { "s.a: b": "true" }],
    ["[s]\nhttp://x=1", { "s.http://x": "1" }],
    ["[s]\na[k]=1", { "s.a[k]": "1" }],
    ["\ufeffa=1", { a: "1" }],
    ["constructor=1\n[toString]\nvalueOf=2", { constructor: "1", "toString.valueOf": "2" }],
  ])("%j as %j", (text, values) => {
    expect(read(text)).toEqual(values);
  });

  it("a section with escaped dots as one", () => {
    expect(genericIni.read("[log\\.console]\na=1")[0]?.path).toEqual(["log.console", "a"]);
  });

  it.each([
    ["a header with a comment, a key to npm ini", "[s] ; c\na=1"],
    ["an indented header", "  [s]\na=1"],
    ["a header with a bracket in it", "[a]b]\na=1"],
    ["a header behind a byte order mark", "\ufeff[s]\na=1"],
    ["a line without a key", "=v"],
    ["a line with a line separator", "a=x\u2028y"],
    ["a key __proto__", "[s]\n__proto__=1"],
    ["a section __proto__", "[__proto__]\na=1"],
    ["a key hidden by a section", "[a]\nb=1\n[a.b]\nx=2"],
    ["a section hidden by a key", "a=1\n[a]\nb=2"],
    ["a nested section hidden by its parent", "[a.b.c]\nx=1\n[a.b]\ny=2"],
    ["a JSON object", "a='{\"x\":1}'"],
    ["a JSON list", "a='[1]'"],
    ["a JSON key", "'null'=1"],
    ["nesting without end", `[${"a.".repeat(100)}a]\nx=1`],
  ])("%s never in silence", (_, text) => {
    expect(refusal("PARSE_FAILED", () => genericIni.read(text)).hint).toBeDefined();
  });

  it("every text that is not refused as we do", () => {
    let compared = 0;
    fc.assert(
      fc.property(nastyText, (text) => {
        const fields = unlessRefused(() => genericIni.read(text));
        if (fields === undefined) return;
        compared++;
        const ours = new Map(fields.map(({ path, value }) => [JSON.stringify(path), value]));
        expect(ours).toEqual(new Map(leavesOf(ini.parse(text), [])));
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(300);
  });
});

/** Every value of npm ini's result by path. Empty sections have none. */
function leavesOf(tree: unknown, path: readonly string[]): [string, string][] {
  if (typeof tree !== "object" || tree === null) return [[JSON.stringify(path), String(tree)]];
  return Object.entries(tree).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

describe("npm ini is written", () => {
  it.each([
    ["a;b", "a\\;b"],
    ["x\\;y", "x\\\\\\;y"],
    ["C:\\new\\#1", "C:\\\\new\\\\\\#1"],
    ["C:\\new", "C:\\new"],
    [" edged ", '" edged "'],
    ["l1\nl2", '"l1\\nl2"'],
    ["'", '"\'"'],
    ["\u2028x", '"\\u2028x"'],
    ["5", "5"],
    ["true", "true"],
    ['"q"', '"\\"q\\""'],
    ["a=b", "a=b"],
  ])("%j as %j", (value, written) => {
    expect(genericIni.write(value)).toBe(written);
  });

  it("so that npm ini has exactly the value, for every value but the words it types", () => {
    fc.assert(
      fc.property(nastyValue, (value) => {
        const written = unlessRefused(() => genericIni.write(value));
        if (written === undefined) return;
        const typed = ["true", "false", "null"].includes(value) ? JSON.parse(value) : value;
        expect(ini.parse(`[s]\nk=${written}\n`)).toEqual({ s: { k: typed } });
      }),
      { numRuns: 3000 },
    );
  });
});

describe("a generic file is merged", () => {
  it("with nested sections, root keys and lists in their places", () => {
    const existing = "# c\nroot=1\n\n[a]\nx=1\nlist[]=1\nlist[]=2\n\n[a.b]\ny=1\n";
    const { text } = merge(
      genericIni,
      existing,
      "root=2\nmore=3\n[a]\nlist[]=1\nlist[]=9\nlist[]=3\n[a.b]\nz=2\n[a.c]\nq=1\n",
    );
    expect(text).toBe(
      "# c\nroot=2\nmore=3\n\n[a]\nx=1\nlist[]=1\nlist[]=9\nlist[]=3\n\n[a.b]\ny=1\nz=2\n\n[a.c]\nq=1\n",
    );
  });

  it("with a key alone written out where another value stands, and the other way round", () => {
    expect(merge(genericIni, "[s]\nflag=false\n", "[s]\nflag\n").text).toBe("[s]\nflag=true\n");
    expect(merge(genericIni, "[s]\nflag\n", "[s]\nflag = false\n").text).toBe("[s]\nflag = false\n");
    expect(merge(genericIni, "[s]\nflag\n", "[s]\nflag = true\n").text).toBe("[s]\nflag\n");
  });

  it("never when the middle of a list must go: the others would move", () => {
    const error = refusal("UNREPRESENTABLE", () => merge(genericIni, "[s]\na[]=1\na[]=2\n", "", [["s", "a", "0"]]));
    expect(error.key).toBe("s.a.1");
  });
});
