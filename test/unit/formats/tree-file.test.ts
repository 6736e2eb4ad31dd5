import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTree, type Json, type JsonTree } from "../../../src/config/json.ts";
import { diffTrees, withoutValue, withValue } from "../../../src/config/json-tree.ts";
import { loadTreeFile } from "../../../src/formats/tree-file.ts";

const files = {
  "app.json": `{
  // where it listens
  "server": {"port": 80, "host": "a"},
  "list": [1, 2], // two
  "off": false,
}
`,
  "app.yaml": `# where it listens
server:
  port: 80   # not 8080
  host: 'a'
list: [1, 2]

off: no
`,
  "app.toml": `# where it listens
list = [1, 2] # two
since = 2026-01-01
[server]
port = 80     # not 8080
host = 'a'
`,
  "app.ini": `; where it listens
[server]
port = 80
host=a
`,
};
const names = Object.keys(files) as (keyof typeof files)[];

describe.each(names)("%s", (name) => {
  const text = files[name];
  const isIni = name === "app.ini";

  it("is read as a tree", async () => {
    const { read } = await loadTreeFile(name);
    expect(read(text).server).toEqual({ port: isIni ? "80" : 80, host: "a" });
  });

  it("keeps every other byte of a file in which a value becomes another one", async () => {
    const { read, edit } = await loadTreeFile(name);
    const value = isIni ? "81" : 81;
    expect(edit(text, withValue(read(text), ["server", "port"], value))).toBe(text.replace("80", "81"));
  });

  it("is the same text where nothing is different", async () => {
    const { read, edit } = await loadTreeFile(name);
    expect(edit(text, structuredClone(read(text)))).toBe(text);
  });

  it("loses a map that is removed, and nothing that was said of others", async () => {
    const { read, edit } = await loadTreeFile(name);
    const edited = edit(text, withoutValue(read(text), ["server"]) ?? {});
    expect(edited).toContain("where it listens");
    expect(edited).not.toContain("host");
    if (!isIni) expect(edited).toContain("[1, 2]");
  });

  it("begins with nothing", async () => {
    const { read, edit } = await loadTreeFile(name);
    expect(read("")).toEqual({});
    const made = edit("", { server: { port: "1" } });
    expect(read(made)).toEqual({ server: { port: "1" } });
  });

  it("says where it cannot be read", async () => {
    const { read } = await loadTreeFile(name);
    const broken = { "app.json": "{\n{", "app.yaml": "a: 1\nb: [", "app.toml": "a = 1\nb = ", "app.ini": "[a]\nb" }[
      name
    ];
    expect(() => read(broken)).toThrow(
      expect.objectContaining({ code: "PARSE_FAILED", place: expect.objectContaining({ line: 2 }) }),
    );
  });
});

const key = fc.constantFrom("a", "b", "c", "a.b", "x y", "constructor", "port");
const leaf = fc.constantFrom<Json>(
  true,
  false,
  0,
  -5,
  1.5,
  "",
  "text",
  "5",
  "null",
  "# no comment",
  'ü\n"q" \\ ',
  "2026-01-01",
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(leaf, { maxLength: 3 }) as fc.Arbitrary<Json>,
    fc.dictionary(key, tie("value"), { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonTree>,
  ),
}));
const tree = fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<JsonTree>;

it.each(["app.json", "app.yaml", "app.toml"] as const)(
  "%s says what it was made to say, or refuses with the key",
  async (name) => {
    const { read, edit } = await loadTreeFile(name);
    let refused = 0;
    fc.assert(
      fc.property(tree, tree, (first, second) => {
        try {
          const before = edit(files[name], first);
          const after = edit(before, second);
          expect(diffTrees(read(after), second).filter(isOfValues)).toEqual([]);
        } catch (error) {
          expect(error).toMatchObject({ code: "UNREPRESENTABLE" });
          refused++;
        }
      }),
      { numRuns: 100 },
    );
    // TOML has no place for a value that becomes a table.
    expect(refused).toBeLessThan(name === "app.toml" ? 60 : 5);
  },
  20_000,
);

const emptied = {
  "app.json": '{"map": {"in": {}, "x": 1}, // kept\n "none": {}, "last": 1}\n',
  "app.yaml": "map:\n  in: {}\n  x: 1\n# kept\nnone: {}\nlast: 1\n",
};

it.each(Object.entries(emptied))("%s loses a map that had no keys, wherever it stands", async (name, text) => {
  const { read, edit } = await loadTreeFile(name);
  const kept: JsonTree[] = [
    { map: { in: {}, x: 1 }, last: 1 },
    { map: { x: 1 }, none: {}, last: 1 },
    { map: {}, none: {}, last: 1 },
    { map: 5, none: {}, last: 1 },
    { none: {}, last: 1 },
    { last: 1 },
    {},
  ];
  for (const after of kept) expect(read(edit(text, after))).toEqual(after);
  expect(edit(text, { map: { x: 1 }, last: 1 })).toContain("kept");
});

it.each(["app.json", "app.toml"])(
  "%s takes thousands of values at once, and loses them again",
  async (name) => {
    const { read, edit } = await loadTreeFile(name);
    const many = Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`k${index}`, { a: index, b: "x" }]));
    const text = edit("", { kept: 1, ...many });
    expect(Object.keys(read(text))).toHaveLength(6001);
    expect(read(edit(text, { kept: 1 })).kept).toBe(1);
  },
  20_000,
);

it.each([null, [1, [null]], { deep: { er: null } }])("a TOML file refuses %j with the key", async (given) => {
  const { edit } = await loadTreeFile("app.toml");
  const refusal = { code: "UNREPRESENTABLE", message: expect.stringMatching(/^server\.v\S* is null, which TOML/) };
  expect(() => edit("", { server: { v: given } })).toThrow(expect.objectContaining(refusal));
});

function isOfValues({ before, after }: { readonly before?: Json; readonly after?: Json }): boolean {
  const isValue = (one: Json | undefined): boolean =>
    one !== undefined && (!isTree(one) || Object.values(one).some(isValue));
  return [before, after].some(isValue);
}

it.each([null, [null], { deep: { er: 1 } }, ["list"]])("an INI file refuses %j", async (given) => {
  const { edit } = await loadTreeFile("app.ini");
  expect(() => edit(files["app.ini"], { server: { port: given } })).toThrow(
    expect.objectContaining({ code: "UNREPRESENTABLE", key: expect.stringContaining("server.port") }),
  );
  expect(edit(files["app.ini"], { server: { port: 81, host: "a" } })).toBe(files["app.ini"].replace("80", "81"));
});

it("another ending is no format", async () => {
  await expect(loadTreeFile("app.xml")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(loadTreeFile("constructor")).rejects.toMatchObject({ code: "NOT_FOUND" });
});
