import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editConfigIni, readConfigIni } from "../../../../src/formats/ini/config-ini.ts";
import { nastyText, nastyValue, plainText, refusal, unlessRefused, valuesOf } from "./support.ts";

const read = (text: string): Record<string, string> => valuesOf({ read: readConfigIni }, text);

const today = [
  "[nginx_proxy_manager]",
  "base_url = http://proxy:81/api",
  "user_name = admin@mydomain.com",
  "nike_name = admin",
  "listen_port = 9000",
  "",
  "# who owns the forge",
  "[gitea]",
  "user_pwd = a@b)c#d;e",
  "",
  "[domain]",
  "wildcard_domain = ",
  "",
].join("\n");

describe("config.ini is read", () => {
  it("as it is written today", () => {
    expect(read(today)).toEqual({
      "nginx_proxy_manager.base_url": "http://proxy:81/api",
      "nginx_proxy_manager.user_name": "admin@mydomain.com",
      "nginx_proxy_manager.nike_name": "admin",
      "nginx_proxy_manager.listen_port": "9000",
      "gitea.user_pwd": "a@b)c#d;e",
      "domain.wildcard_domain": "",
    });
  });

  it.each([
    ["k = 1 ; c", "1 ; c"],
    ["k: v", "v"],
    ["K = v", "v"],
    ["k = a=b:c", "a=b:c"],
    ['k = "quoted"', '"quoted"'],
    ["k = a\n\tb", "a\nb"],
    ["k = a\n\n  b\n", "a\n\nb"],
    ["k = a\n  # lost\n  b", "a\nb"],
    ["k =   edged   ", "edged"],
    ["k = 50%", "50%"],
    ["k = 50%%", "50%"],
    ["k = %%(o)s", "%(o)s"],
    ["k = %()s %(o) %", "%()s %(o) %"],
    ["k = %(o)s", "other"],
    ["k = %(O)s%%%(o)s", "other%other"],
    ["k = 100%%%", "100%%"],
    ["k = $x", "$x"],
  ])("%j as %j", (line, value) => {
    expect(read(`[s]\n${line}\no = other\n`.replace(/\n( *#)/g, "\n$1"))["s.k"]).toBe(value);
  });

  it.each([
    ["[ a ]\nk=1", { " a .k": "1" }],
    ["[A]\nk=1\n[a]\nk=2", { "A.k": "1", "a.k": "2" }],
    ["\ufeff[s]\r\nk = 1\r\n", { "s.k": "1" }],
    ["[s]\rk = 1\r", { "s.k": "1" }],
    ["; c\n# c\n\n[s]", {}],
    ["", {}],
    [
      "[__proto__]\nconstructor = 1\n[constructor]\n__proto__ = 2",
      { "__proto__.constructor": "1", "constructor.__proto__": "2" },
    ],
  ])("%j as %j", (text, values) => {
    expect(Object.entries(read(text))).toEqual(Object.entries(values));
  });

  it("with [DEFAULT] in every section, where it stands, and interpolated there", () => {
    const text = "[DEFAULT]\nhome = /%(name)s\nname = x\n[a]\nname = a\n[b]\n";
    expect(read(text)).toEqual({ "a.name": "a", "a.home": "/a", "b.home": "/x", "b.name": "x" });
    const home = readConfigIni(text).find(({ path }) => path.join(".") === "b.home");
    expect(home).toMatchObject({ line: 2, start: 17, end: 26 });
  });

  it.each([
    ["a duplicate key", "[s]\nKey = 1\nkey = 2\n", 3, /key "key" of section "s" stands twice, in line 2 and in line 3/],
    ["a duplicate section", "[s]\n\n[s]\n", 3, /section "s" stands twice, in line 1 and in line 3/],
    ["a key before any section", "k = 1\n[s]\n", 1, /before any section/],
    ["a line without a delimiter", "[s]\n  flag\n", 2, /neither a section, a key with a value, nor a comment/],
    ["a delimiter without a key", "[s]\n= v\n", 2, /key is missing/],
    ["NUL", "[s]\nk = a\0b\n", 2, /NUL/],
    ["an unknown reference", "[s]\nk = %(nobody)s\n", 2, /s\.k refers to a key that is not there$/],
    ["a reference to another section", "[a]\nx = 1\n[s]\nk = %(x)s\n", 4, /s\.k refers to a key that is not there$/],
    ["a circle", "[s]\na = %(b)s\nb = %(a)s\n", 2, /in a circle/],
    ["a reference to itself", "[s]\na = %(a)s\n", 2, /in a circle/],
  ])("never with %s", (_, text, line, message) => {
    const error = refusal("PARSE_FAILED", () => readConfigIni(text));
    expect(error.place.line).toBe(line);
    expect(error.place.column).toBeGreaterThan(0);
    expect(error.message).toMatch(message);
  });

  it("with references ten deep, as Python does, and not eleven", () => {
    const chain = (length: number): string =>
      `[s]\n${Array.from({ length }, (_, i) => `k${i} = %(k${i + 1})s\n`).join("")}k${length} = end\n`;
    expect(read(chain(10))["s.k0"]).toBe("end");
    expect(refusal("PARSE_FAILED", () => readConfigIni(chain(11))).key).toBe("s.k0");
  });

  it("never with values that make each other without end", () => {
    const bomb = Array.from({ length: 9 }, (_, i) => `k${i} = ${`%(k${i + 1})s`.repeat(100)}\n`).join("");
    expect(refusal("PARSE_FAILED", () => readConfigIni(`[s]\n${bomb}k9 = x\n`)).message).toMatch(/16 MiB/);
    const defaults = Array.from({ length: 20_000 }, (_, i) => `k${i} = 1\n`).join("");
    const sections = Array.from({ length: 20_000 }, (_, i) => `[s${i}]\n`).join("");
    expect(refusal("PARSE_FAILED", () => readConfigIni(`[DEFAULT]\n${defaults}${sections}`)).message).toMatch(/16 MiB/);
  });
});

describe("config.ini is edited", () => {
  it("in one line, the rest byte for byte", () => {
    expect(editConfigIni(today, [{ path: ["gitea", "user_pwd"], value: "50%#;\"'" }])).toBe(
      today.replace("a@b)c#d;e", "50%%#;\"'"),
    );
  });

  it("with new keys, new sections and removals at once", () => {
    const edited = editConfigIni(today, [
      { path: ["gitea", "user_name"], value: "root" },
      { path: ["nginx_proxy_manager", "nike_name"], value: undefined },
      { path: ["cockpit", "port"], value: "9091" },
      { path: ["domain", "wildcard_domain"], value: "example.org" },
    ]);
    expect(edited).toBe(
      today
        .replace("nike_name = admin\n", "")
        .replace("d;e\n", "d;e\nuser_name = root\n")
        .replace("wildcard_domain = \n", "wildcard_domain = example.org\n")
        .concat("\n[cockpit]\nport = 9091\n"),
    );
  });

  it.each([
    ["CRLF and a byte order mark", "\ufeff[s]\r\nk=1\r\n\r\n[t]\r\n", "\ufeff[s]\r\nk=2\r\nn=3\r\n\r\n[t]\r\n"],
    ["a missing final newline", "[s]\nk = 1", "[s]\nk = 2\nn = 3"],
    ["colons", "[s]\nk: 1\n", "[s]\nk: 2\nn: 3\n"],
    ["an empty value", "[s]\nk =\n", "[s]\nk = 2\nn = 3\n"],
    ["columns", "[s]\nk     =    1\n", "[s]\nk     =    2\nn = 3\n"],
    ["indentation", "  [s]\n  k = 1\n  [t]\n", "  [s]\n  k = 2\n  n = 3\n  [t]\n"],
    ["a comment behind the last key", "[s]\nk = 1\n# n = 0\n\n[t]\n", "[s]\nk = 2\nn = 3\n# n = 0\n\n[t]\n"],
  ])("keeping %s", (_, text, edited) => {
    const edits = [
      { path: ["s", "k"], value: "2" },
      { path: ["s", "n"], value: "3" },
    ];
    expect(editConfigIni(text, edits)).toBe(edited);
  });

  it("not at all where the value is already right, however it is written", () => {
    const text = "[DEFAULT]\nd = 1\n[s]\nlone = 50%\nref = %(d)s\nl:1\n";
    const edits = Object.entries({ lone: "50%", ref: "1", L: "1", d: "1" });
    expect(
      editConfigIni(
        text,
        edits.map(([key, value]) => ({ path: ["s", key], value })),
      ),
    ).toBe(text);
    expect(editConfigIni(text, [{ path: ["s", "nobody"], value: undefined }])).toBe(text);
  });

  it("with values that others refer to", () => {
    expect(editConfigIni("[s]\na = 1\nb = %(a)s\n", [{ path: ["s", "a"], value: "2" }])).toBe(
      "[s]\na = 2\nb = %(a)s\n",
    );
  });

  it.each([
    ["white space at its ends", ["s", "k"], " x"],
    ["a line that would be a comment", ["s", "k"], "a\n# b"],
    ["CR", ["s", "k"], "a\rk2 = evil"],
    ["NUL", ["s", "k"], "a\0"],
    ["a section with a line break", ["s]\nevil = 1\n[x", "k"], "v"],
    ["a section with nothing", ["", "k"], "v"],
    ["a key with a delimiter", ["s", "a=b"], "v"],
    ["a key that is a comment", ["s", "# a"], "v"],
    ["a key with a line break", ["s", "a\nb"], "v"],
    ["a key that is a section", ["s", "[t]"], "v"],
    ["no section", ["k"], "v"],
    ["three segments", ["s", "a", "b"], "v"],
    ["[DEFAULT], which is every section", ["DEFAULT", "k"], "v"],
    ["a key of [DEFAULT] to be removed from a section", ["s", "d"], undefined],
    ["a key that others refer to, to be removed", ["s", "r"], undefined],
  ])("never with %s", (_, path, value) => {
    const text = "[DEFAULT]\nd = 1\n[s]\nk = 1\nr = 1\nz = %(r)s\n";
    const error = refusal("UNREPRESENTABLE", () => editConfigIni(text, [{ path, value }]));
    expect(error.key).toBeDefined();
  });

  it("so that exactly what was asked is read, in any file", () => {
    let edited = 0;
    fc.assert(
      fc.property(
        nastyText,
        nastyValue,
        fc.constantFrom("key", "k", "new"),
        fc.constantFrom("s", "a", "n"),
        (text, value, key, section) => {
          const before = unlessRefused(() => read(text));
          const after = unlessRefused(() => editConfigIni(text, [{ path: [section, key], value }]));
          if (before === undefined || after === undefined) return;
          edited++;
          expect(read(after)[`${section}.${key}`]).toBe(value);
          expect(after.startsWith("\ufeff")).toBe(text.startsWith("\ufeff"));
        },
      ),
      { numRuns: 3000 },
    );
    expect(edited).toBeGreaterThan(50);
  });

  it("and set back, is the file that it was", () => {
    fc.assert(
      fc.property(plainText, nastyValue, (text, value) => {
        for (const [id, old] of Object.entries(read(text)).filter(([, old]) => old !== "")) {
          const path = id.split(".");
          const edited = unlessRefused(() => editConfigIni(text, [{ path, value }]));
          if (edited !== undefined && value !== "") {
            expect(editConfigIni(edited, [{ path, value: old }])).toBe(text);
          }
        }
      }),
    );
  });
});
