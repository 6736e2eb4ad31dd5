import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { editConfigIni, readConfigIni } from "../../../src/formats/ini/config-ini.ts";
import { pythonIni } from "../../../src/formats/ini/python.ts";
import { supervisorIni } from "../../../src/formats/ini/supervisor.ts";
import { nastyText, nastyValue, plainText, unlessRefused } from "../../unit/formats/ini/support.ts";

/**
 * Python's own configparser beside ours, on the same texts: one process for all of them. A value that Python loads but
 * cannot give is `{"failed": <exception>}`.
 */
const oracle = `
import configparser, io, json, sys

def read(text, kind):
    if kind == "supervisor":
        parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    else:
        parser = configparser.ConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        return {"refused": type(error).__name__}
    def get(section, key):
        try:
            return parser.get(section, key)
        except configparser.InterpolationError as error:
            return {"failed": type(error).__name__}
    return {"values": [[s, k, get(s, k)] for s in parser.sections() for k in parser.options(s)]}

json.dump([read(case["text"], case["kind"]) for case in json.load(sys.stdin)], sys.stdout)
`;

type Value = string | { readonly failed: string };
interface Answer {
  readonly refused?: string;
  readonly values?: readonly (readonly [section: string, key: string, value: Value])[];
}
type Kind = "config" | "supervisor";

function askPython(texts: readonly string[], kind: Kind): Answer[] {
  const input = JSON.stringify(texts.map((text) => ({ text, kind })));
  try {
    const output = execFileSync("python3", ["-c", oracle], { input, timeout: 60_000, maxBuffer: 1 << 28 });
    return JSON.parse(output.toString("utf8"));
  } catch (cause) {
    throw new Error("this test compares with Python's configparser: it needs python3 on the PATH", { cause });
  }
}

const wellFormed = (text: string): boolean => text.isWellFormed() && !text.includes("\0");
const parts = [
  "[s]\n",
  "[t]\n",
  "[DEFAULT]\n",
  "a = 1\n",
  "B: %(a)s\n",
  "c = %(b)s%%\n",
  "  more\n",
  "\n",
  "# c\n",
  " ; c\n",
];
const likely = fc
  .array(fc.constantFrom(...parts, "d = 50%\n", "e=\n", "f = x ; y\n", "g = %(no)s\n", "\ta = 2\n", "a\n"), {
    maxLength: 12,
  })
  .map((lines) => `[s0]\n${lines.join("")}`);
const texts = fc.sample(fc.oneof(likely, nastyText, plainText), { numRuns: 900, seed: 7 }).filter(wellFormed);

const key = (section: string, name: string): string => JSON.stringify([section, name]);
const ours = (read: typeof readConfigIni, text: string): Map<string, string> | undefined => {
  const fields = unlessRefused(() => read(text));
  return fields && new Map(fields.map(({ path: [section = "", name = ""], value }) => [key(section, name), value]));
};

describe("config.ini beside Python's configparser", () => {
  let answers: Answer[] = [];
  beforeAll(() => {
    answers = askPython(texts, "config");
  });

  it("is refused where Python refuses it, but for the byte order mark", () => {
    let refused = 0;
    for (const [index, text] of texts.entries()) {
      if (answers[index]?.refused === undefined || text.startsWith("\ufeff")) continue;
      refused++;
      expect([text, ours(readConfigIni, text)]).toEqual([text, undefined]);
      expect([text, ours(pythonIni.read, text)]).toEqual([text, undefined]);
    }
    expect(refused).toBeGreaterThan(50);
  });

  it("has every value that Python gives, and no other", () => {
    let compared = 0;
    for (const [index, text] of texts.entries()) {
      const { values } = answers[index] ?? {};
      if (values === undefined || text.startsWith("\ufeff")) continue;
      const failures = values.flatMap(([, , value]) => (typeof value === "string" ? [] : [value.failed]));
      const mine = ours(readConfigIni, text);
      // What refers to nothing is refused as a whole; a lone % is the improvement that Python has not.
      if (failures.some((failure) => failure !== "InterpolationSyntaxError")) {
        if (failures.every((failure) => failure !== "InterpolationSyntaxError")) expect(mine).toBeUndefined();
        continue;
      }
      if (mine === undefined && failures.length > 0) continue;
      compared++;
      expect([text, mine?.size]).toEqual([text, values.length]);
      for (const [section, name, value] of values) {
        if (typeof value === "string") expect([text, name, mine?.get(key(section, name))]).toEqual([text, name, value]);
      }
    }
    expect(compared).toBeGreaterThan(200);
  });

  it("says as ini:python what Python gives for each key of its section", () => {
    for (const [index, text] of texts.entries()) {
      const { values } = answers[index] ?? {};
      if (values === undefined || text.startsWith("\ufeff")) continue;
      const given = new Map(values.map(([section, name, value]) => [key(section, name), value]));
      for (const [id, value] of ours(pythonIni.read, text) ?? []) {
        const theirs = given.get(id);
        if (typeof theirs === "string") expect([text, id, value]).toEqual([text, id, theirs]);
      }
    }
  });
});

describe("what we write beside Python's configparser", () => {
  const values = fc.sample(nastyValue, { numRuns: 600, seed: 11 }).filter(wellFormed);

  it("is read exactly by it, as a value of ini:python", () => {
    const written = values.flatMap((value) => {
      const text = unlessRefused(() => pythonIni.write(value));
      return text === undefined ? [] : [{ value, text: `[s]\nk = ${text}\nz = 1\n` }];
    });
    const answers = askPython(
      written.map(({ text }) => text),
      "config",
    );
    expect(written.length).toBeGreaterThan(100);
    for (const [index, { value }] of written.entries()) {
      expect(answers[index]?.values).toEqual([
        ["s", "k", value],
        ["s", "z", "1"],
      ]);
    }
  });

  it("is read exactly by it, after an edit of config.ini", () => {
    const edited = values.flatMap((value, index) => {
      const text = texts[index] ?? "";
      const after = text.startsWith("\ufeff")
        ? undefined
        : unlessRefused(() => editConfigIni(text, [{ path: ["s0", "new"], value }]));
      return after === undefined ? [] : [{ value, after }];
    });
    const answers = askPython(
      edited.map(({ after }) => after),
      "config",
    );
    expect(edited.length).toBeGreaterThan(30);
    for (const [index, { value, after }] of edited.entries()) {
      const found = answers[index]?.values?.find(([section, name]) => section === "s0" && name === "new");
      expect([after, found?.[2]]).toEqual([after, value]);
    }
  });
});

describe("supervisord's files beside its parser", () => {
  it("are refused or read as it does, before it expands %", () => {
    const plain = texts.map((text) => text.replaceAll("%", ""));
    let compared = 0;
    for (const [index, { values }] of askPython(plain, "supervisor").entries()) {
      const text = plain[index] ?? "";
      if (text.startsWith("\ufeff")) continue;
      const mine = ours(supervisorIni.read, text);
      expect([text, mine === undefined]).toEqual([text, values === undefined]);
      // Python lists the keys of [DEFAULT] in each section; we give them where they stand.
      const theirs = new Map((values ?? []).map(([section, name, value]) => [key(section, name), value]));
      for (const [id, value] of mine ?? []) {
        if (id.startsWith('["DEFAULT"')) continue;
        compared++;
        expect([text, id, value]).toEqual([text, id, theirs.get(id)]);
      }
    }
    expect(compared).toBeGreaterThan(200);
  });
});
