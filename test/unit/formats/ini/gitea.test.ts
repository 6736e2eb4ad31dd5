import { describe, expect, it } from "vitest";
import { giteaIni } from "../../../../src/formats/ini/gitea.ts";
import { merge, refusal, valuesOf } from "./support.ts";

const read = (text: string): Record<string, string> => valuesOf(giteaIni, text);

describe("Gitea reads", () => {
  it.each([
    ["a=b ; c", "b"],
    ["a=b # c", "b"],
    ["a=ab#cd", "ab"],
    ["a=ab;cd", "ab"],
    ["a=b\\;c", "b\\"],
    ["a=b\\#c", "b\\"],
    ['a="x#y;z"', '"x'],
    ["a='x#y'", "'x"],
    ["a=`p#a;s=s`", "p#a;s=s"],
    ['a="""p#a`b"""', "p#a`b"],
    ['a = """l1\nl2""" ', "l1\nl2"],
    ["a = `l1\nl2` ; c", "l1\nl2"],
    ["a=`p` # c `x`", "p` # c `x"],
    ['a="x y"', "x y"],
    ["a='x y'", "x y"],
    ['a="x" and "y"', '"x" and "y"'],
    ['a="x" ; note', "x"],
    ['a="x\\"y"', '"x\\"y"'],
    ['a="l1\\nl2"', "l1\\nl2"],
    ["a=C:\\new", "C:\\new"],
    ["a=abc\\\nb=1", "abc\\"],
    ["a=b=c=d", "b=c=d"],
    ["a: b", "b"],
    ["a=1\na=2", "2"],
    ["a=%(b)s %% 50%", "%(b)s %% 50%"],
    ["a =   b   ", "b"],
    ["  a = b\r", "b"],
    ['a="', '"'],
    ["a=", ""],
    ["a=true", "true"],
  ])("%j as %j", (line, value) => {
    expect(read(`[s]\n${line}\n`)["s.a"]).toBe(value);
  });

  it.each([
    ["[s]\nhttp://x=1", { "s.http": "//x=1" }],
    ["[s]\na[]=1\na[]=2", { "s.a[]": "2" }],
    ["[s]\n- = a\n- = b", { "s.#1": "a", "s.#2": "b" }],
    ['[s]\n"a b"=1\n`a=b`=2', { "s.a b": "1", "s.a=b": "2" }],
    ["\ufeff[s]\r\na = 1\r\n", { "s.a": "1" }],
    ["[ s ]\na=1", { " s .a": "1" }],
    ["[s] ; c\na=1", { "s.a": "1" }],
    ["[s] # ] c\na=1", { "s] # .a": "1" }],
    ["[S]\nKey=1\n[s]\nkey=2", { "S.Key": "1", "s.key": "2" }],
    ["APP_NAME = x\n[DEFAULT]\nRUN_MODE = prod", { "DEFAULT.APP_NAME": "x", "DEFAULT.RUN_MODE": "prod" }],
    ["[a]\ny=1\n[a.b]\nx=2", { "a.y": "1", "a.b.x": "2" }],
    ["[s]\na=1\n[t]\nb=2\n[s]\nc=3", { "s.a": "1", "t.b": "2", "s.c": "3" }],
    ['[s]\na="""', { "s.a": '"""' }],
    ["[s]\na=1\n  l2=3", { "s.a": "1", "s.l2": "3" }],
  ])("%j as %j", (text, values) => {
    expect(read(text)).toEqual(values);
  });

  it.each([
    ["[s]\na=`p", 2, 3],
    ['[s]\na="""l1\nl2\n', 2, 3],
    ["[s]\nflag", 2, 1],
    ["[s]\nREM x", 2, 1],
    ["[s]\na=1\n  l2", 3, 3],
    ["[s\na=1", 1, 1],
    ["[]\na=1", 1, 1],
    ["[s]\n= 1", 2, 1],
    ['[s]\n"a = 1', 2, 1],
  ])("nothing of %j, and says where it stops", (text, line, column) => {
    expect(refusal("PARSE_FAILED", () => giteaIni.read(text)).place).toEqual({ line, column });
  });
});

describe("Gitea is written", () => {
  it.each([
    ["plain", "plain"],
    ["a b", "a b"],
    [" edged ", "` edged `"],
    ["a#b", "`a#b`"],
    ["a;b", "`a;b`"],
    ['"q"', '`"q"`'],
    ["'q'", "`'q'`"],
    ["l1\nl2", "`l1\nl2`"],
    ["tick`", '"""tick`"""'],
    ["tick`#", '"""tick`#"""'],
    ["50%", "50%"],
    ["%%", "%%"],
  ])("%j as %j", (value, written) => {
    expect(giteaIni.write(value)).toBe(written);
  });

  it.each(['`"""', '`"', '"`', "%(SECRET_KEY)s", "x%(a)sy", "%%(a)s", "`%(a)s"])("never as %j", (value) => {
    refusal("UNREPRESENTABLE", () => giteaIni.write(value));
  });

  it("lets no two parts of a value become a reference", () => {
    refusal("UNREPRESENTABLE", () => giteaIni.writePart("50%"));
    refusal("UNREPRESENTABLE", () => giteaIni.writePart("%(A"));
  });
});

describe("app.ini is merged", () => {
  const existing = [
    "; written by hand",
    "APP_NAME = Forge",
    "",
    "[server]",
    "HTTP_PORT = 3000 ; the port",
    'ROOT_URL = "http://h/"',
    "",
    "[security]",
    "SECRET_KEY = `a#b`",
    "",
  ].join("\n");

  it("with only the values changed that differ, comments behind them kept", () => {
    const { text, written } = merge(
      giteaIni,
      existing,
      "[server]\nHTTP_PORT = 3001\nROOT_URL = http://h/\nDOMAIN = `x#y`\n[mailer]\nPASSWD = `p;w`\n",
    );
    expect(text).toBe(
      existing
        .replace("3000 ;", "3001 ;")
        .replace('"http://h/"\n', '"http://h/"\nDOMAIN = `x#y`\n')
        .concat("\n[mailer]\nPASSWD = `p;w`\n"),
    );
    expect(written).toEqual([
      ["server", "HTTP_PORT"],
      ["server", "DOMAIN"],
      ["mailer", "PASSWD"],
    ]);
  });

  it("with keys before any section put there", () => {
    expect(merge(giteaIni, existing, "RUN_MODE = prod\n").text).toBe(
      existing.replace("Forge\n", "Forge\nRUN_MODE = prod\n"),
    );
    expect(merge(giteaIni, "[s]\na=1\n", "RUN_MODE = prod\n").text).toBe("RUN_MODE=prod\n\n[s]\na=1\n");
    expect(merge(giteaIni, "# head\n\n[s]\na=1\n", "R=1\n").text).toBe("# head\n\nR=1\n\n[s]\na=1\n");
    expect(merge(giteaIni, "\ufeff[s]\r\na=1\r\n", "R=1\n").text).toBe("\ufeffR=1\r\n\r\n[s]\r\na=1\r\n");
  });

  it("in the last of duplicate keys, which is the one that counts", () => {
    expect(merge(giteaIni, "[s]\na=1\na=2\n[t]\nb=1\n[s]\na=3\n", "[s]\na=9\n").text).toBe(
      "[s]\na=1\na=2\n[t]\nb=1\n[s]\na=9\n",
    );
  });

  it("with every duplicate of a removed key gone, over all its lines", () => {
    expect(merge(giteaIni, "[s]\na=`x\ny` ; c\nb=1\na=2\n", "", [["s", "a"]]).text).toBe("[s]\nb=1\n");
  });

  it("with distinct case kept distinct", () => {
    expect(merge(giteaIni, "[s]\nkey=1\n", "[s]\nKey=2\n[S]\nkey=3\n").text).toBe("[s]\nkey=1\nKey=2\n\n[S]\nkey=3\n");
  });

  it("with a value over several lines left as it is between CRLF lines", () => {
    const { text } = merge(giteaIni, "[s]\r\na = 1\r\nb = 2\r\n", "[s]\na = `l1\nl2`\n");
    expect(text).toBe("[s]\r\na = `l1\nl2`\r\nb = 2\r\n");
  });

  it("never when a comment behind the value would swallow it", () => {
    const error = refusal("UNREPRESENTABLE", () => merge(giteaIni, "[s]\na = 1 ; see `x`\n", "[s]\na = `p#q`\n"));
    expect(error.key).toBe("s.a");
  });
});
