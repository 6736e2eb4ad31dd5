import { describe, expect, it } from "vitest";
import { cockpitIni } from "../../../../src/formats/ini/cockpit.ts";
import { merge, refusal, valuesOf } from "./support.ts";

const read = (text: string): Record<string, string> => valuesOf(cockpitIni, text);

describe("cockpit.conf is read", () => {
  it.each([
    ["# comment\n[WebService]\nUrlRoot = /cp # note\n", { "WebService.UrlRoot": "/cp # note" }],
    ['[WebService]\nLoginTitle = "x"\n', { "WebService.LoginTitle": '"x"' }],
    ["[WebService]\nOrigins=https://a:1 https://b ; c\n", { "WebService.Origins": "https://a:1 https://b ; c" }],
    ["[Log]\nFatal =\n", { "Log.Fatal": "" }],
    ["[Ssh-Login]\nHost = 50%\n  # indented comment\n", { "Ssh-Login.Host": "50%" }],
    ["[Log]\nFatal = blanks count  \n", { "Log.Fatal": "blanks count  " }],
  ])("%j as %j", (text, values) => {
    expect(read(text)).toEqual(values);
  });

  it.each([
    ["a ; comment", "[a]\n; comment\n", 2],
    ["a key with _", "[a]\nmy_key = 1\n", 2],
    ["a key with .", "[a]\nmy.key = 1\n", 2],
    ["a colon", "[a]\nKey: value\n", 2],
    ["a key before any section", "Key = 1\n[a]\n", 1],
    ["CRLF", "[a]\r\nKey = 1\r\n", 1],
    ["a CR alone", "[a]\nKey = 1\rb\n", 2],
    ["NUL", "[a]\nKey = 1\0\n", 2],
    ["a duplicate key", "[a]\nKey = 1\nKey = 2\n", 3],
    ["a duplicate key in other case", "[a]\nKey = 1\nkey = 2\n", 3],
    ["a duplicate section", "[a]\nKey = 1\n[a]\nOther = 2\n", 3],
    ["a duplicate section in other case", "[Log]\nKey = 1\n[log]\nOther = 2\n", 3],
    ["[DEFAULT], which only one of them shares out", "[DEFAULT]\nKey = 1\n", 1],
    ["an indented key, a continuation to one of them", "[a]\nKey = 1\n  Other = 2\n", 3],
    ["a header with a comment", "[a] # c\nKey = 1\n", 1],
    ["a header with brackets", "[a[b]\nKey = 1\n", 1],
    ["a byte order mark", "\ufeff[a]\nKey = 1\n", 1],
    ["a word", "[a]\nflag\n", 2],
    ["a value behind a wide blank, which only one of them drops", "[a]\nKey = \u2003x\n", 2],
  ])("never with %s: one of its two readers would lose it", (_, text, line) => {
    const error = refusal("PARSE_FAILED", () => cockpitIni.read(text));
    expect(error.place.line).toBe(line);
    expect(error.hint).toBeDefined();
  });
});

describe("cockpit.conf is merged", () => {
  it("with section and key compared whatever their case", () => {
    const existing = "[WEBSERVICE]\nurlroot=/old\n";
    expect(merge(cockpitIni, existing, "[WebService]\nUrlRoot = /new\nLoginTitle = x\n").text).toBe(
      "[WEBSERVICE]\nurlroot=/new\nLoginTitle=x\n",
    );
    expect(merge(cockpitIni, existing, "[WebService]\nUrlRoot = /old\n")).toEqual({ text: existing, written: [] });
    expect(merge(cockpitIni, existing, "", [["WebService", "UrlRoot"]]).text).toBe("[WEBSERVICE]\n");
  });

  it("without the blanks that cockpit-ws takes for a part of the value", () => {
    expect(merge(cockpitIni, "[a]\nKey = 1  \n", "[a]\nKey = 1\n").text).toBe("[a]\nKey = 1\n");
  });

  it("never into a file that Cockpit discards, with the line and what to do", () => {
    const error = refusal("PARSE_FAILED", () => merge(cockpitIni, "[a]\n; old\nKey = 1\n", "[a]\nKey = 2\n"));
    expect(error.toText()).toBe("line 2:1: cockpit-ws discards the whole file for this line. Begin comments with #");
  });

  it.each([" x", "x ", "a\nb", "a\rb", "\u00a0x", "x\u0085"])("never with the value %j", (value) => {
    refusal("UNREPRESENTABLE", () => cockpitIni.write(value));
  });
});
