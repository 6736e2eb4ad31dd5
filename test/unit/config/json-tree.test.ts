import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTree, type Json, type JsonTree } from "../../../src/config/json.ts";
import {
  checkValue,
  diffTrees,
  isDeeperThan,
  mergeValues,
  sameValue,
  valueAt,
  withoutValue,
  withValue,
} from "../../../src/config/json-tree.ts";
import { keepMasked, maskValue } from "../../../src/config/masked-tree.ts";
import { parsePath } from "../../../src/config/path.ts";
import { secretPaths } from "../../../src/config/secret.ts";

const key = fc.oneof(
  fc.constantFrom("a", "b", "a.b", "constructor", "toString", "hasOwnProperty", "user_pwd", "0", ""),
  fc.string({ maxLength: 4 }).filter((text) => text !== "__proto__"),
);
const { value } = fc.letrec<{ value: Json; map: JsonTree }>((tie) => ({
  map: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<JsonTree>,
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(null, true, 0, 1, "", "text", "http://a:b@c/", "[secret]", [], {}),
    fc.array(tie("value"), { maxLength: 3 }) as fc.Arbitrary<Json>,
    tie("map"),
  ),
}));
const tree = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }) as fc.Arbitrary<JsonTree>;
const path = fc.array(key, { minLength: 1, maxLength: 4 });

describe("a tree", () => {
  it("has what was put into it, and what was not touched stays the very same", () => {
    fc.assert(
      fc.property(tree, path, value, (before, at, given) => {
        const copy = structuredClone(before);
        let after: JsonTree;
        try {
          after = withValue(before, at, given);
        } catch (error) {
          expect(error).toMatchObject({ code: "VALUE_INVALID" });
          return;
        }
        expect(valueAt(after, at)).toEqual(given);
        for (const name of Object.keys(before)) if (name !== at[0]) expect(after[name]).toBe(before[name]);
        expect(before).toEqual(copy);
        expect(Object.getPrototypeOf(after)).toBe(Object.prototype);
      }),
    );
  });

  it("has nothing where something was removed, and was without it then only", () => {
    fc.assert(
      fc.property(tree, path, (before, at) => {
        const after = withoutValue(before, at);
        expect(after === undefined).toBe(valueAt(before, at) === undefined);
        if (after !== undefined) expect(valueAt(after, at)).toBeUndefined();
      }),
    );
  });

  it("is what it was before when all changes between two are undone", () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const changes = diffTrees(before, after);
        expect(changes.length === 0).toBe(sameValue(before, after));
        for (const change of changes) {
          const at = parsePath(change.path) ?? [];
          expect(valueAt(before, at)).toEqual(change.before);
          expect(valueAt(after, at)).toEqual(change.after);
          expect(change.kind).toBe(
            change.before === undefined ? "added" : change.after === undefined ? "removed" : "changed",
          );
        }
      }),
    );
  });

  it("merges twice to what it merges once, and keeps what is not named", () => {
    fc.assert(
      fc.property(tree, tree, (into, given) => {
        const once = mergeValues(into, given) as JsonTree;
        expect(sameValue(mergeValues(once, given), once)).toBe(true);
        for (const name of Object.keys(into)) if (!Object.hasOwn(given, name)) expect(once[name]).toBe(into[name]);
      }),
    );
  });

  it("is equal to what JSON makes of it", () => {
    fc.assert(fc.property(value, (one) => sameValue(one, JSON.parse(JSON.stringify(one)))));
  });

  it("knows only what is its own", () => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect(valueAt({}, [name])).toBeUndefined();
      expect(withoutValue({}, [name])).toBeUndefined();
    }
    const hostile = JSON.parse('{"__proto__": {"polluted": true}}') as JsonTree;
    const merged = mergeValues({}, hostile);
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(() => checkValue(hostile, [])).toThrow("__proto__ cannot be a key");
    expect(() => checkValue(1, ["a", "__proto__"])).toThrow("cannot be a key");
  });

  it.each<[string, Json]>([
    ["is a number that is too large", JSON.parse("1e999")],
    ["is no well-formed text", "\ud800"],
    ["is longer than 500 characters", { ["k".repeat(501)]: 1 }],
    ["is nested deeper than 100 levels", JSON.parse(`${"[".repeat(101)}${"]".repeat(101)}`)],
  ])("refuses what %s", (message, given) => {
    expect(() => checkValue({ a: given }, [])).toThrow(message);
  });

  it("tells how deep something is without going deeper", () => {
    const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
    expect(isDeeperThan(100, deep)).toBe(true);
    expect(isDeeperThan(2, [[1]])).toBe(false);
    expect(isDeeperThan(1, [[1]])).toBe(true);
  });

  it("does not put a key into what is no map", () => {
    const refused = { code: "VALUE_INVALID", key: "a.b", message: expect.stringContaining("a.b holds a value") };
    expect(() => withValue({ a: { b: 1 } }, ["a", "b", "c"], 1)).toThrow(expect.objectContaining(refused));
    expect(() => withValue({}, [], 1)).toThrow("the whole configuration is a map");
  });
});

describe("what is shown of a tree", () => {
  const isSecret = secretPaths(["vault.**"]);

  it("holds no secret, at any depth, and not in lists", () => {
    const shown = maskValue(
      { user_pwd: "x1", tokens: [], users: [{ name: "ann", password: "x2" }], token: { a: "x3", b: [1] }, n: null },
      [],
      isSecret,
    );
    expect(shown).toEqual({
      user_pwd: "[secret]",
      tokens: [],
      users: [{ name: "ann", password: "[secret]" }],
      token: { a: "[secret]", b: "[secret]" },
      n: null,
    });
    expect(maskValue("x", ["vault", "deep", "er"], isSecret)).toBe("[secret]");
    expect(maskValue("http://a:x@h/", ["url"], isSecret)).toBe("http://a:[secret]@h/");
  });

  it("brings everything back when it is sent back as it was shown", () => {
    fc.assert(
      fc.property(tree, (data) => {
        expect(keepMasked(maskValue(data, [], isSecret), data, [], isSecret)).toEqual(data);
      }),
    );
  });

  it("is refused in any other place than its own", () => {
    const data: JsonTree = { user_pwd: "x", list: [{ password: "x" }, { password: "y" }] };
    const send = (given: JsonTree) => () => keepMasked(given, data, [], isSecret);
    expect(send({ other_pwd: "[secret]" })).toThrow("other_pwd is only what is shown in the place of a secret");
    expect(send({ moved: { user_pwd: "[secret]" } })).toThrow("moved.user_pwd");
    expect(send({ list: [{ password: "[secret]" }] })).toThrow("list is only what");
    expect(send({ url: "http://a:[secret]@h/" })).toThrow("url is only what");
    expect(send({ text: "about [secret] things" })()).toEqual({ text: "about [secret] things" });
  });
});

it("a tree that is none is told from one", () => {
  expect([{}, [], null, 1, "a", undefined].map((one) => isTree(one))).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});
