import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { ConfigSyncError } from "../../src/errors.ts";
import { loadSettings, parseSettings, type Settings } from "../../src/settings.ts";

const minimal = "sources:\n  - file: config.ini\nservices: [web]\nroots: [out]\n";
const folder = mkdtempSync(join(tmpdir(), "config-sync-settings-"));
afterAll(() => rmSync(folder, { recursive: true }));

function parse(text: string, environment: Record<string, string> = {}): Settings {
  return parseSettings(text, "/w/config-sync.yaml", environment);
}

/** What a person reads, without the path of the file. */
function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigSyncError && error.code === "SETTINGS_INVALID")
      return error.toText().replace("/w/config-sync.yaml:", "");
    throw error;
  }
  throw new Error("this was accepted");
}

describe("settings", () => {
  test("need sources, services and roots, and nothing else", () => {
    const { state, templates, roots, sync, log, paths } = parse(minimal);
    expect({ state, templates, roots }).toEqual({ state: "/w/state", templates: "/w/templates", roots: ["/w/out"] });
    expect(sync).toMatchObject({ quiet: 20, look_every: 2000, check_every: 30_000, parallel: 16 });
    expect({ log, paths }).toEqual({ log: { level: "info" }, paths: {} });
  });

  test.each(["sync", "log", "docker", "supervisord", "paths", "containers", "programs", "urls", "secrets"])(
    "%s may be there with all its lines commented out",
    (part) => {
      expect(parse(`${minimal}${part}:\n  # nothing here\n`)).toEqual(parse(minimal));
    },
  );

  test("hold the password of supervisord as a secret, from the file or the environment", () => {
    const written = parse(`${minimal}supervisord: { username: u, password: canary }\n`);
    const named = parse(`${minimal}supervisord: { password_env: SUPERVISOR_PW }\n`, { SUPERVISOR_PW: "canary" });
    for (const { supervisord } of [written, named]) {
      expect(supervisord.password?.reveal()).toBe("canary");
      expect(JSON.stringify(supervisord)).not.toContain("canary");
    }
  });

  test("take names as they are, and nothing that is inherited", () => {
    const { paths } = parse(`${minimal}paths: { constructor: a, toString: b, "../x": c, "a b": d, __proto__: e }\n`);
    expect(Object.entries(paths).toSorted()).toEqual([
      ["../x", "c"],
      ["a b", "d"],
      ["constructor", "a"],
      ["toString", "b"],
    ]);
    expect(Object.getPrototypeOf(paths)).toBe(Object.prototype);
  });

  const bombs = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [one, next] of ["ab", "bc", "cd", "de", "ef"])
    bombs.push(`${next}: &${next} [${Array(9).fill(`*${one}`).join(",")}]`);

  test.each<[what: string, text: string, refusal: string]>([
    ["an empty file", "", "1:1: the document is empty, not a mapping"],
    ["comments only", "# later\n", "1:1: the document is empty, not a mapping"],
    ["a list", "- a\n", "1:1: the document is a list, not a mapping"],
    ["a sentence", "hello\n", "1:1: the document is a text, not a mapping"],
    ["two documents", `${minimal}---\n${minimal}`, "5:1: holds several documents; one is read"],
    ["tabs", "sources:\n\t- file: x\n", "2:1: is not valid YAML: Tabs are not allowed as indentation"],
    ["an open bracket", `${minimal}secrets: [a\n`, "6:1: is not valid YAML: Flow sequence in block collection"],
    ["a key twice", `${minimal}roots: [b]\n`, "5:1: is not valid YAML: Map keys must be unique"],
    ["a bomb of aliases", `${minimal}${bombs.join("\n")}\n`, "1:1: is not valid YAML: Excessive alias count"],
    ["no sources", "services: []\nroots: [a]\n", "1:1: sources is missing"],
    ["no source", "sources: []\nservices: []\nroots: [a]\n", "1:10: sources: needs at least one source"],
    ["no services", "sources: [{ file: a }]\nroots: [a]\n", "1:1: services is missing"],
    ["no roots", "sources: [{ file: a }]\nservices: []\n", "1:1: roots is missing"],
    [
      "an unknown setting",
      `${minimal}servces: [web]\n`,
      '5:1: the document has no setting "servces". Did you mean services',
    ],
    ["one that is like none", `${minimal}zebra: 1\n`, '5:1: the document has no setting "zebra"'],
    ["one further down", `${minimal}sync:\n  quite: 1s\n`, '6:3: sync has no setting "quite". Did you mean quiet?'],
    ["__proto__", `${minimal}__proto__: { a: b }\n`, '5:1: the document has no setting "__proto__"'],
    ["a merge key", `${minimal}<<: { a: b }\n`, '5:1: the document has no setting "<<"'],
    ["a number as a path", `${minimal}state: 5\n`, "5:8: state is a number, not a text"],
    ["an empty path", `${minimal}state: ""\n`, "5:8: state: is not a path"],
    ["a NUL in a path", `${minimal}state: "a\\0b"\n`, "5:8: state: is not a path"],
    ["an empty root", minimal.replace("[out]", '[out, ""]'), "4:14: roots.1: is not a path"],
    ["a text where a list belongs", minimal.replace("[web]", "web"), "3:11: services is a text, not a list"],
    [
      "a source without a kind",
      minimal.replace("- file:", "- fiel:"),
      '2:5: sources.0 has no setting "fiel". Did you mean file?',
    ],
    [
      "a source of two kinds",
      minimal.replace("config.ini", "config.ini\n    env: A__"),
      '3:5: sources.0 has no setting "env"',
    ],
    ["a source by its bare name", minimal.replace("file: ", ""), "2:5: sources.0 is a text, not a mapping"],
    ["a source without a name", minimal.replace("config.ini", '""'), "2:11: sources.0.file is empty"],
    ["a bad prefix", minimal.replace("file: config.ini", "env: lower_"), "2:10: sources.0.env: is not a prefix"],
    ["a duration without a unit", `${minimal}sync: { quiet: 20 }\n`, "5:16: sync.quiet is a number, not a text"],
    [
      "a duration in parsecs",
      `${minimal}sync: { quiet: 2 pc }\n`,
      "5:16: sync.quiet: is not a duration: write a number",
    ],
    ["a negative duration", `${minimal}sync: { quiet: -1s }\n`, "5:16: sync.quiet: is not a duration"],
    ["a busy loop", `${minimal}sync: { look_every: 0s }\n`, "5:21: sync.look_every: is not between 10ms and 24h"],
    ["a timer that overflows", `${minimal}sync: { check_every: 1000h }\n`, "5:22: sync.check_every: is not between"],
    ["too many at once", `${minimal}sync: { parallel: 1000 }\n`, "5:19: sync.parallel is more than 256"],
    ["half a worker", `${minimal}sync: { parallel: 1.5 }\n`, "5:19: sync.parallel is a number, not a whole number"],
    ["an unknown level", `${minimal}log: { level: loud }\n`, "5:15: log.level is not one of debug, info, warn, error"],
    ["a number in paths", `${minimal}paths: { a: 1 }\n`, "5:13: paths.a is a number, not a text"],
    ["a circle of aliases", `${minimal}paths: &a { x: *a }\n`, "5:16: paths.x is a mapping, not a text"],
    ["a service twice", minimal.replace("[web]", "[web, db, web]"), '3:21: services names "web" twice'],
    [
      "two sources of one name",
      minimal.replace("services", "  - file: other/config.ini\nservices"),
      "3:5: two sources are called config.ini",
    ],
    ["a path as a service", minimal.replace("[web]", "[../web]"), "3:12: services.0: is not a service name"],
    [
      "an unset variable",
      `${minimal}supervisord: { password_env: PW }\n`,
      "5:30: the environment variable PW is not set",
    ],
    ["depth", `${minimal}paths: ${"[".repeat(20_000)}\n`, "is not valid YAML"],
  ])("refuse %s, and say where", (_, text, expected) => {
    expect(refusal(text)).toContain(expected);
  });

  test("name every problem at once, each with its place", () => {
    const text = "sources: []\nservices: [A, b]\nroots: []\nstate: 1\n";
    expect(refusal(text).split("\n")).toEqual([
      "1:10: sources: needs at least one source",
      expect.stringContaining("  2:12: services.0"),
      "  3:8: roots: needs at least one folder that outputs may be in",
      "  4:8: state is a number, not a text",
    ]);
  });

  test("never fail in any other way, whatever the text", () => {
    const word = fc.constantFrom(
      ...`sources services roots file state sync paths - : [ ] { } , " ' & * | > # ! \n`.split(" "),
      "\n",
      "  ",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(word).map((words) => words.join(" ")),
          fc.string({ unit: "binary" }),
        ),
        (text) => {
          try {
            parse(text);
          } catch (error) {
            expect(error).toMatchObject({ code: "SETTINGS_INVALID", place: { line: expect.any(Number) } });
          }
        },
      ),
    );
  });
});

describe("the file of the settings", () => {
  const write = (name: string, content: string | Buffer): string => {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "config-sync.yaml"), content);
    return join(folder, name);
  };

  test("is read with paths that start at its folder", () => {
    expect(loadSettings(write("good", minimal), {})).toMatchObject({ state: join(folder, "good/state") });
  });

  test.each<[what: string, make: () => string, why: RegExp]>([
    ["is not there", () => join(folder, "nowhere"), /there is no such file/],
    ["is binary", () => write("binary", Buffer.from([0xff, 0xfe, 0, 1, 2])), /not a UTF-8 text/],
    ["holds a NUL", () => write("nul", `${minimal}# \0\n`), /not a UTF-8 text/],
    ["is huge", () => write("huge", `${minimal}#${"x".repeat(2 * 1024 * 1024)}\n`), /larger than 1 MiB/],
    [
      "is a folder",
      () => {
        mkdirSync(join(folder, "folder/config-sync.yaml"), { recursive: true });
        return join(folder, "folder");
      },
      /not a regular file/,
    ],
    [
      "is a pipe that nobody writes to",
      () => {
        mkdirSync(join(folder, "pipe"));
        execFileSync("mkfifo", [join(folder, "pipe/config-sync.yaml")]);
        return join(folder, "pipe");
      },
      /not a regular file/,
    ],
  ])("%s: refused with its name", (_, make, why) => {
    const at = make();
    const place = { file: join(at, "config-sync.yaml") };
    const refusal = { code: "SETTINGS_INVALID", message: expect.stringMatching(why), place };
    expect(() => loadSettings(at, {})).toThrow(expect.objectContaining(refusal));
  });
});
