/** That a merge leaves the layout of other people's files alone, by examples: existing, wanted, gone, expected. */
import { describe, expect, test } from "vitest";
import { parsePath } from "../../../src/config/path.ts";
import type { Format } from "../../../src/formats/format.ts";
import { jsonFormat } from "../../../src/formats/json/format.ts";
import { tomlFormat } from "../../../src/formats/toml/format.ts";
import { yamlFormat } from "../../../src/formats/yaml/format.ts";
import { errorOf, mergeAndCheck } from "./promises.ts";

type Example = readonly [title: string, existing: string, wanted: string, gone: readonly string[], expected: string];

function merge(format: Format, existing: string, wanted: string, gone: readonly string[]): string | undefined {
  const paths = gone.map((key) => parsePath(key) ?? [key]);
  return mergeAndCheck(format, existing, wanted, paths)?.text;
}

const json: readonly Example[] = [
  [
    "comments, indentation and trailing commas of a program's settings",
    '{\n\t// ports\n\t"port": 80, // public\n\t"tls": {"cert": "a.pem"},\n\t"old": [1,\n\t  2], // gone soon\n}\n',
    '{"port": 81, "tls": {"key": "k.pem"}, "new": {"deep": [1, 2]}}',
    ["old"],
    '{\n\t// ports\n\t"port": 81, // public\n\t"tls": {"cert": "a.pem", "key": "k.pem"},\n\t"new": {"deep": [1, 2]},\n}\n',
  ],
  ["one line stays one line", '{"a":1,"b":2}', '{"c":"x"}', ["b"], '{"a":1,"c":"x"}'],
  ["several of one line go", '{ "x": 0, "a": 1, "b": 2 }', "{}", ["a", "b"], '{ "x": 0  }'],
  ["all of one line go", '{ "a": 1, "b": 2 }', "{}", ["a", "b"], "{  }"],
  ["an object without keys stays", '{"a": {"b": 1}}', "{}", ["a.b"], '{"a": {}}'],
  ["an empty file takes the template", "", '{"a": 1}\n', [], '{"a": 1}\n'],
  ["null gives way to an object", '{"a": null}', '{"a": {"b": 1}}', [], '{"a": {"b": 1}}'],
  ["5 is not the text 5", '{"a": "5"}', '{"a": 5}', [], '{"a": 5}'],
  ["how a number is written is nobody's concern", '{"a": 1.50e1}', '{"a": 15.0}', [], '{"a": 1.50e1}'],
  [
    "large whole numbers keep their digits",
    '{"a": 1}',
    '{"a": 12345678901234567890}',
    [],
    '{"a": 12345678901234567890}',
  ],
  [
    "line endings and byte order mark",
    '\uFEFF{\r\n  "a": 1\r\n}',
    '{\n  "b": {\n    "c": 1\n  }\n}',
    [],
    '\uFEFF{\r\n  "a": 1,\r\n  "b": {\r\n    "c": 1\r\n  }\r\n}',
  ],
  ["__proto__ is a key like any other", '{"__proto__": 1, "a": 2}', '{"__proto__": 3}', ["a"], '{"__proto__": 3}'],
];

const yaml: readonly Example[] = [
  [
    "comments, spacing and blank lines",
    "# top\na:   1   # one\nb: {p: 1,  q:  2}\nlist:\n  - x # keep\n\n# end\n",
    "a: 2\nb:\n  q: '3'\n  r: 4\n",
    ["list"],
    '# top\na:   2   # one\nb: {p: 1,  q:  "3", r: 4}\n\n# end\n',
  ],
  [
    "a subtree of the template moves to the file's indentation",
    "a:\n    b: 1\nz: 1",
    "a:\n  n:\n    text: |\n      l1\n        l2\n    list:\n    - x: 1\n",
    [],
    "a:\n    b: 1\n    n:\n      text: |\n        l1\n          l2\n      list:\n      - x: 1\nz: 1",
  ],
  ["the last key of a mapping takes its mapping along", "a:\n  b: 1\nz: 1", "{}", ["a.b"], "z: 1"],
  [
    "a remark at a key stays when a list goes or comes",
    "l: # why\n  - 1\nm: 5 # how\n",
    "l: 1\nm:\n- x\n",
    [],
    "l: 1 # why\nm: # how\n- x\n",
  ],
  ["a block scalar gives way to a word", "l: |\n  x\n\n  y\nz: 1\n", "l: q\n", [], "l: q\nz: 1\n"],
  ["a key without value gets one", "a: # later\nb: 1\n", "a:\n  x: 1\n", [], "a: # later\n  x: 1\nb: 1\n"],
  ["an alias gives way, its anchor stays", "b: &x {p: 1}\nc: *x\n", "c: 2\n", [], "b: &x {p: 1}\nc: 2\n"],
  ["document marks", "%YAML 1.2\n---\na: 1\n...\n", "b: 2\n", [], "%YAML 1.2\n---\na: 1\nb: 2\n...\n"],
  ["line endings", "a: '5'\r\nb: x\r\n", "a: 5\nn:\n  - q\n", [], "a: 5\r\nb: x\r\nn:\r\n  - q\r\n"],
  ["a missing final newline", "a: 1", "b: 2\n", [], "a: 1\nb: 2"],
  ["only comments", "# mine\n", "a: 1", [], "# mine\na: 1\n"],
  ["__proto__ is a key like any other", "__proto__: 1\n", "__proto__: 2\n", [], "__proto__: 2\n"],
];

const toml: readonly Example[] = [
  [
    "comments and spacing, root keys before the first table",
    "# top\na   =  1 # one\n\n# about t\n[t]\n  x = 'y'\n",
    "a = 2\nb = true\n[t]\nz = 1\n[u]\nq = [1,\n2]\n",
    ["t.x"],
    "# top\na   =  2 # one\nb = true\n\n# about t\n[t]\n  z = 1\n\n[u]\nq = [1,\n2]\n",
  ],
  [
    "a root key where there was none",
    "# c\n\n# about t\n[t]\nx = 1\n",
    "r = 1\n",
    [],
    "# c\n\nr = 1\n# about t\n[t]\nx = 1\n",
  ],
  [
    "inline tables",
    "s = { a = 1, b = {}, c = 3 }",
    "s.d = 2\ns.b.k = 3\n",
    ["s.a"],
    "s = { b = { k = 3 }, c = 3, d = 2 }",
  ],
  ["dotted keys stay dotted", "[a]\nb.c = 1\n", "[a.b]\nd = 1\n", [], "[a]\nb.c = 1\nb.d = 1\n"],
  ["keys in quotes", '"a.b" = 1\n', '"a.b" = 2\n"x y"."q\\"" = 1\n', [], '"a.b" = 2\n\n["x y"]\n"q\\"" = 1\n'],
  [
    "what looks like a key inside a long string",
    'a = """\nb = 1\n[t]\n"""\nb = 1\n',
    "b = 2\n",
    [],
    'a = """\nb = 1\n[t]\n"""\nb = 2\n',
  ],
  [
    "an array of tables is one value",
    "[[x]]\na = 1\n# k\n[[x]]\na = 2\n[y]\nb = 1\n",
    "[[x]]\na = 5\n",
    [],
    "[[x]]\na = 5\n# k\n[y]\nb = 1\n",
  ],
  ["1.0 is not 1", "a = 1\n", "a = 1.0\n", [], "a = 1.0\n"],
  [
    "line endings, byte order mark, missing final newline",
    "\uFEFFa = 1\r\nb = 2",
    "b = 5\nc = 3",
    ["a"],
    "\uFEFFb = 5\r\nc = 3",
  ],
  ["__proto__ is a key like any other", "__proto__ = 1\n", "__proto__ = 2\n", [], "__proto__ = 2\n"],
];

describe.each([
  { format: jsonFormat, examples: json },
  { format: yamlFormat, examples: yaml },
  { format: tomlFormat, examples: toml },
])("$format.name keeps", ({ format, examples }) => {
  test.each(examples)("%s", (_title, existing, wanted, gone, expected) => {
    expect(merge(format, existing, wanted, gone)).toBe(expected);
  });
});

test.each([
  [jsonFormat, '{"a": {"b": 1}}', '{"a": 5}', "a.b"],
  [yamlFormat, "a:\n  b: 1\n", "a: 5\n", "a.b"],
  [tomlFormat, "[a]\nb = 1\n", "a = 5\n", "a"],
  [yamlFormat, "b: &x {p: 1}\nc: *x\n", "b:\n  p: 2\n", "c"],
  [yamlFormat, "b: &x {p: 1}\nc: *x\n", "c:\n  p: 2\n", "c"],
  [yamlFormat, "b: &x\n  - 1\nc: *x\n", "b: 2\n", "b"],
  [tomlFormat, "[[x]]\na = 1\n", "x = 5\n", "x"],
])("what cannot be changed without touching others is refused by name (%#)", (format, existing, wanted, key) => {
  const error = errorOf(() => format.merge?.(existing, wanted, []));
  expect(error.code).toBe("UNREPRESENTABLE");
  expect(error.key ?? error.message).toContain(key);
});

test("what we render must be strict JSON, what is there may have comments", () => {
  for (const text of ['{"a": 1, // c\n"b": 2}', '{"a": 1,}', '{"a": 1, "a": 2}', "\uFEFF{}", "{'a': 1}", "{} x", ""]) {
    expect(errorOf(() => jsonFormat.read(text)).code).toBe("PARSE_FAILED");
  }
  expect(errorOf(() => jsonFormat.merge?.("{}", '{"a": 1,}', [])).place.line).toBe(1);
  expect(errorOf(() => jsonFormat.merge?.("[1]", '{"a": 1}', [])).code).toBe("PARSE_FAILED");
});

test("a YAML key that stands twice is refused, in lists too, and so is a second document", () => {
  for (const text of [
    "a: 1\na: 2\n",
    "l:\n  - {a: 1, a: 2}\n",
    "1: a\n'1': b\n",
    "a: 1\n---\nb: 2\n",
    "? [x]\n: 1\n",
  ]) {
    expect(errorOf(() => yamlFormat.read(text)).code).toBe("PARSE_FAILED");
  }
});

describe("where a value stands alone", () => {
  test.each([
    [jsonFormat, '{"a": ', "}", true],
    [jsonFormat, '{"a": [1, ', ", 2]", true],
    [jsonFormat, '{"a": "x, ', ', y"}', false],
    [jsonFormat, '{"a": "x', '"}', false],
    [yamlFormat, "a: ", "\n", true],
    [yamlFormat, "l:\n  - ", "\n", true],
    [yamlFormat, "l:\n  - a: ", " # c\n", true],
    [yamlFormat, "l: [a, ", "]", true],
    [yamlFormat, "l: {a: ", ", b: 1}", true],
    [yamlFormat, "a: hello, ", "\n", false],
    [yamlFormat, "a: http://", ":80\n", false],
    [yamlFormat, "t: |\n  ", "\n", false],
    [yamlFormat, "a: '", "'\n", false],
    [yamlFormat, "\0: ", "\n", false],
    [tomlFormat, "[t]\na = ", "\n", true],
    [tomlFormat, "a = [1, ", "]\n", true],
    [tomlFormat, 'a = "x = ', '"\n', false],
    [tomlFormat, "# a, ", "\n", false],
  ])("case %#", (format, before, after, expected) => {
    expect(format.alone.before.test(before) && format.alone.after.test(after)).toBe(expected);
  });

  test("in other text, only what needs no quotes there is let through, or it is escaped", () => {
    expect(jsonFormat.writePart('a"b')).toBe('a\\"b');
    expect(yamlFormat.writePart("db.local:80")).toBe("db.local:80");
    expect(tomlFormat.writePart("a b")).toBe("a b");
    for (const action of [
      () => yamlFormat.writePart("a: b"),
      () => yamlFormat.writePart("a #"),
      () => tomlFormat.writePart('a"'),
    ]) {
      expect(errorOf(action).code).toBe("UNREPRESENTABLE");
    }
  });
});
