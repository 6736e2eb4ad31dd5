import { describe, expect, it } from "vitest";
import { supervisorIni, writeEnvironment } from "../../../../src/formats/ini/supervisor.ts";
import { merge, refusal, valuesOf } from "./support.ts";

const read = (text: string): Record<string, string> => valuesOf(supervisorIni, text);

describe("supervisord reads", () => {
  it.each([
    ["a=b ; c", "b"],
    ["a=b # c", "b"],
    ["a=b;c#d", "b;c#d"],
    ['a=A="x ;y"', 'A="x'],
    ["a=x;y ;z #w", "x;y ;z"],
    ["a=50%%", "50%"],
    ["a=%(ENV_HOME)s/x%%", "%(ENV_HOME)s/x%"],
    ["a=%(program_name)s_%(process_num)02d", "%(program_name)s_%(process_num)02d"],
    ["a=1\na=2", "2"],
    ['a=A="1",\n  B="2"', 'A="1",\nB="2"'],
  ])("%j as %j", (line, value) => {
    expect(read(`[s]\n${line}\n`)["s.a"]).toBe(value);
  });

  it("a section that stands twice as one", () => {
    expect(read("[program:a]\nx=1\n[program:b]\n[program:a]\ny=2\n")).toEqual({
      "program:a.x": "1",
      "program:a.y": "2",
    });
  });

  it.each(["a=50%", "a=%(x)", "a=%(x)y", "a=%s"])("nothing of %j, which stops it", (line) => {
    const error = refusal("PARSE_FAILED", () => supervisorIni.read(`[s]\n${line}\n`));
    expect(error.place.line).toBe(2);
  });
});

describe("supervisord is written", () => {
  it.each([
    ["50%", "50%%"],
    ["%(ENV_HOME)s", "%%(ENV_HOME)s"],
    ["a;b#c", "a;b#c"],
  ])("%j as %j", (value, written) => {
    expect(supervisorIni.write(value)).toBe(written);
  });

  it.each(["a ;b", "a\t#b", " a", "a\n#b", "x%(here)s"])("never as %j", (value) => {
    refusal("UNREPRESENTABLE", () => supervisorIni.write(value));
  });

  it("with a literal %(name)s told from an expansion of the same look", () => {
    expect(merge(supervisorIni, "[s]\na=%(ENV_X)s\n", "[s]\na=%%(ENV_X)s\n").text).toBe("[s]\na=%%(ENV_X)s\n");
  });

  it("with the comment behind a value kept", () => {
    expect(merge(supervisorIni, "[s]\na=1 ; one\n", "[s]\na = 2\n").text).toBe("[s]\na=2 ; one\n");
  });
});

it("a value in the middle of a line cannot begin another member of environment=", () => {
  refusal("UNREPRESENTABLE", () => supervisorIni.writePart("a,EVIL=1"));
});

describe("a member of environment=", () => {
  it.each([
    ["", '""'],
    ["a,b=c", '"a,b=c"'],
    ["50%", '"50%%"'],
    ["c;d#e", '"c;d#e"'],
    [";x", '";x"'],
    ["a\\b$c", '"a\\b$c"'],
    ["it's", '"it\'s"'],
    [" edged ", '" edged "'],
  ])("is written for %j as %j", (value, written) => {
    expect(writeEnvironment(value)).toBe(written);
  });

  it.each(['a"b', "a\nb", "a\rb", "a ;b", "a\t#b", "a\u00a0;b", "'a", "a'", "%(here)s", "a\0"])(
    "is refused for %j",
    (value) => {
      refusal("UNREPRESENTABLE", () => writeEnvironment(value));
    },
  );
});
