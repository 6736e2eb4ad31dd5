import { hash } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { makeStoredTree } from "../../../src/apps/stored-tree.ts";
import type { TreeApp, TreeApps, TreeChanged } from "../../../src/apps/tree-app.ts";
import { secretBySchema } from "../../../src/apps/tree-secrets.ts";
import { openTrees } from "../../../src/apps/trees.ts";
import type { JsonTree } from "../../../src/config/json.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { History } from "../../../src/history/history.ts";
import { memoryHistory } from "../../../src/history/memory.ts";

let history: { -readonly [Key in keyof History]: History[Key] };
let failing: ConfigSyncError | undefined;
const parts = {
  history: () => (failing === undefined ? history : broken(failing)),
  clock: { now: () => 1 },
  digest: (text: string) => hash("sha256", text),
  isSecret: secretPaths([]),
};
const by = { author: "ann", message: "because" };

function broken(error: ConfigSyncError): History {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return { ...history, head: fail, get: fail, list: fail, append: fail, apps: fail };
}

/** Stands for the app that a daemon has anyway. */
const host = { name: "default" } as TreeApp;
const open = (): Promise<TreeApps> => openTrees(host, parts);

let trees: TreeApps;
let shop: TreeApp;

beforeEach(async () => {
  history = memoryHistory();
  failing = undefined;
  trees = await open();
  shop = await trees.create("shop", { data: { server: { port: 80 }, user_pwd: "hunter2" } }, by);
});

const set = (path: string[], value: JsonTree[string], over: object = {}) =>
  shop.change({ ...by, ...over, edits: [{ path, value }] });

describe("an app", () => {
  it("says what was written last, also to who opens it anew", async () => {
    const { revision, changes } = await set(["server", "port"], 81);
    expect(revision).toMatchObject({ number: 2, parent: 1, author: "ann", message: "because" });
    expect(changes).toEqual([{ path: "server.port", kind: "changed", before: 80, after: 81 }]);
    const again = (await open()).get("shop");
    expect(again?.current()).toMatchObject({ data: { server: { port: 81 } }, revision });
    expect((await again?.at(1))?.data).toMatchObject({ server: { port: 80 } });
    expect(await again?.at(3)).toBeUndefined();
    expect(await again?.revisions({ limit: 9 })).toMatchObject([{ number: 2 }, { number: 1 }]);
  });

  it("records nothing where nothing is different", async () => {
    expect(await set(["server"], { port: 80 })).toMatchObject({ revision: { number: 1 }, changes: [] });
    expect(await history.head("shop")).toMatchObject({ number: 1 });
  });

  it("merges, replaces and removes", async () => {
    await shop.change({ ...by, edits: [{ path: [], value: { server: { host: "a" } }, merge: true }] });
    expect(shop.current().data).toMatchObject({ server: { port: 80, host: "a" } });
    await shop.change({ ...by, edits: [{ path: ["server"], value: { host: "b" } }, { path: ["user_pwd"] }] });
    expect(shop.current().data).toEqual({ server: { host: "b" } });
    await expect(shop.change({ ...by, edits: [{ path: ["server", "port"] }] })).rejects.toMatchObject({
      code: "NOT_FOUND",
      key: "server.port",
    });
  });

  it("makes of many changes at once each one on what the one before left", async () => {
    const all = Array.from({ length: 50 }, (_, index) => set(["counts", `n${index}`], index));
    await Promise.all(all);
    expect(Object.keys(shop.current().data.counts ?? {})).toHaveLength(50);
    expect(shop.current().revision.number).toBe(51);
  });

  it("is not changed on another revision than was looked at", async () => {
    await set(["server", "port"], 81, { expected: 1 });
    await expect(set(["server", "port"], 82, { expected: 1 })).rejects.toMatchObject({ code: "REVISION_MOVED" });
    expect(shop.current().data).toMatchObject({ server: { port: 81 } });
  });

  it("is not changed where whoever is asked says no", async () => {
    const permit = () => {
      throw new ConfigSyncError("FORBIDDEN", "not for you");
    };
    await expect(set(["server", "port"], 81, { permit })).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(shop.current().revision.number).toBe(1);
  });

  it("stays what it is when it cannot be recorded, and goes on when it can", async () => {
    failing = new ConfigSyncError("HISTORY_UNUSABLE", "the disk is full");
    await expect(set(["server", "port"], 81)).rejects.toMatchObject({ code: "HISTORY_UNUSABLE" });
    expect(shop.current()).toMatchObject({ data: { server: { port: 80 } }, revision: { number: 1 } });
    failing = undefined;
    expect((await set(["server", "port"], 82)).revision.number).toBe(2);
  });

  it("goes on from what there is where a change was recorded and nobody could say so", async () => {
    const said: TreeChanged[] = [];
    shop.watch((changed) => said.push(changed));
    const { append } = history;
    history.append = async (...args) => {
      await append(...args);
      history.append = append;
      throw new ConfigSyncError("HISTORY_UNUSABLE", "the answer got lost");
    };
    await expect(set(["server", "port"], 81)).rejects.toMatchObject({ code: "HISTORY_UNUSABLE" });
    expect(shop.current()).toMatchObject({ data: { server: { port: 81 } }, revision: { number: 2 } });
    expect((await set(["server", "port"], 82)).revision.number).toBe(3);
    expect(said.map(({ changes }) => changes[0]?.after)).toEqual([81, 82]);
  });

  it("keeps a secret that comes back as its mask", async () => {
    await shop.change({ ...by, edits: [{ path: [], value: { user_pwd: "[secret]", n: 1 } }] });
    expect(shop.current().data).toEqual({ user_pwd: "hunter2", n: 1 });
    const refused = { code: "VALUE_INVALID", key: "other_pwd" };
    await expect(set(["other_pwd"], "[secret]")).rejects.toMatchObject(refused);
    await expect(trees.create("copy", { data: { other_pwd: "[secret]" } }, by)).rejects.toMatchObject(refused);
  });

  it("takes up what another process appended when it is told to read again", async () => {
    const other = await openTrees(host, parts);
    await other.get("shop")?.change({ ...by, edits: [{ path: ["n"], value: 1 }] });
    expect(shop.current().revision.number).toBe(1);
    await shop.reload();
    expect(shop.current()).toMatchObject({ data: { n: 1 }, revision: { number: 2 } });
  });

  it("tells everybody who watches of each change, in order, and of its end", async () => {
    const told: TreeChanged[] = [];
    let ended = 0;
    const stop = shop.watch(
      (changed) => told.push(changed),
      () => ended++,
    );
    await Promise.all([set(["n"], 1), set(["n"], 2), set(["n"], 2)]);
    expect(told.map(({ revision, changes }) => [revision.number, changes[0]?.after])).toEqual([
      [2, 1],
      [3, 2],
    ]);
    await trees.remove("shop", by);
    expect(ended).toBe(1);
    stop();
  });

  it("is too large beyond 16 MiB, and stays as it was", async () => {
    const large = "x".repeat(9 * 1024 ** 2);
    await set(["a"], large);
    await expect(set(["b"], large)).rejects.toMatchObject({ code: "TOO_LARGE" });
    expect(shop.current().data.b).toBeUndefined();
  });

  it("is what it was after any changes and their way back", async () => {
    const paths = fc.array(fc.constantFrom("a", "b", "constructor", "c.d"), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(paths, fc.jsonValue({ maxDepth: 2 }))), async (edits) => {
        const before = shop.current();
        for (const [path, value] of edits)
          await set(path, value as JsonTree).catch((error) => expect(error.code).toBe("VALUE_INVALID"));
        await shop.change({ ...by, edits: [{ path: [], value: before.data }] });
        expect(shop.current().data).toEqual(before.data);
        expect((await open()).get("shop")?.current().data).toEqual(before.data);
      }),
      { numRuns: 30 },
    );
  });
});

describe("a schema", () => {
  const schema: JsonTree = {
    properties: { port: { type: "integer", maximum: 65535 }, note: { type: "string", writeOnly: true } },
    additionalProperties: false,
  };
  let typed: TreeApp;

  beforeEach(async () => {
    typed = await trees.create("typed", { data: { port: 1 }, schema }, by);
  });

  it("holds every write", async () => {
    const wrong = { path: ["port"], value: 70_000 };
    const refused = { code: "VALUE_INVALID", key: "port", message: "port is more than 65535" };
    await expect(typed.change({ ...by, edits: [wrong] })).rejects.toMatchObject(refused);
    expect(await typed.validate({ port: 70_000, x: 1 })).toHaveLength(2);
    expect(await typed.validate({ port: 2 })).toEqual([]);
    expect(await typed.validate()).toEqual([]);
    expect(typed.current().data).toEqual({ port: 1 });
  });

  it("goes with the revision", async () => {
    await typed.change({ ...by, edits: [], schema: null });
    expect(typed.current()).toMatchObject({ schema: undefined, revision: { number: 2 } });
    expect((await typed.at(1))?.schema).toEqual(schema);
    await typed.change({ ...by, edits: [{ path: ["port"], value: "x" }] });
    await expect(typed.change({ ...by, edits: [], schema })).rejects.toMatchObject({ code: "VALUE_INVALID" });
    expect((await open()).get("typed")?.current().schema).toBeUndefined();
  });

  it("must be one", async () => {
    const refused = { code: "VALUE_INVALID" };
    await expect(trees.create("bad", { data: {}, schema: { type: "banana" } }, by)).rejects.toMatchObject(refused);
    await expect(trees.create("bad", { data: {}, schema: { $ref: "http://x/" } }, by)).rejects.toMatchObject(refused);
    await expect(typed.change({ ...by, edits: [], schema: { minimum: "1" } })).rejects.toMatchObject(refused);
    expect(trees.get("bad")).toBeUndefined();
  });

  it("makes secret what it calls writeOnly, wherever its references lead", async () => {
    expect(typed.isSecret(["note"])).toBe(true);
    expect(typed.isSecret(["port"])).toBe(false);
    const login = { properties: { pin: { format: "password" }, next: { $ref: "#/$defs/login" } } };
    const deep = { $defs: { login }, properties: { logins: { items: { $ref: "#/$defs/login" } } } };
    const app = await trees.create("deep", { data: {}, schema: deep }, by);
    expect(app.isSecret(["logins", "0", "pin"])).toBe(true);
    expect(app.isSecret(["logins", "0", "next", "next", "pin"])).toBe(true);
    expect(app.isSecret(["logins", "0", "name"])).toBe(false);
  });

  it("makes secret what nobody can tell, and keeps nobody busy with it", async () => {
    const itself = { $ref: "#" };
    const branching = { patternProperties: { a: itself, b: itself }, additionalProperties: itself };
    const path = Array.from({ length: 90 }, () => "k");
    expect(secretBySchema(branching, path)).toBe(false);
    expect(secretBySchema({ ...branching, properties: { pin: { writeOnly: true } } }, [...path, "pin"])).toBe(true);
    const many = Array.from({ length: 300 }, (_, index) => ({ title: `${index}` }));
    expect(secretBySchema({ properties: { a: { anyOf: many } } }, ["a"])).toBe(true);
    const named = { $defs: { pin: { $anchor: "pin", writeOnly: true } }, properties: { pin: { $ref: "#pin" } } };
    expect(secretBySchema(named, ["pin"])).toBe(true);
    const dependent = { dependentSchemas: { user: { properties: { pin: { writeOnly: true } } } } };
    expect(secretBySchema(dependent, ["pin"])).toBe(true);
    expect(secretBySchema(dependent, ["user"])).toBe(false);
  });
});

describe("the apps", () => {
  it("are listed with the host's own, sorted, and told apart by case", async () => {
    await trees.create("Shop", { data: {} }, by);
    expect(trees.names()).toEqual(["Shop", "default", "shop"]);
    expect((await open()).names()).toEqual(["Shop", "default", "shop"]);
    expect(trees.get("SHOP")).toBeUndefined();
  });

  it.each(["", "-a", "_a", "a.b", "a/b", "..", "ä", "a b", "x".repeat(65), "%2e"])(
    "cannot be called %j",
    async (name) => {
      await expect(trees.create(name, { data: {} }, by)).rejects.toMatchObject({ code: "VALUE_INVALID" });
    },
  );

  it("can be called by odd names that are none of anything else", async () => {
    for (const name of ["constructor", "0", "a-_9", "x".repeat(64), "toString"]) {
      expect(trees.get(name)).toBeUndefined();
      await trees.create(name, { data: { name } }, by);
      expect(trees.get(name)?.current().data).toEqual({ name });
    }
  });

  it("are made once", async () => {
    const two = [trees.create("new", { data: {} }, by), trees.create("new", { data: {} }, by)];
    expect((await Promise.allSettled(two)).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expect(trees.create("default", { data: {} }, by)).rejects.toMatchObject({ code: "EXISTS" });
  });

  it("go on where they were when they are made again", async () => {
    await trees.remove("shop", by);
    expect(trees.get("shop")).toBeUndefined();
    expect((await open()).names()).toEqual(["default"]);
    await expect(set(["n"], 1)).rejects.toMatchObject({ code: "NOT_FOUND" });
    const again = await trees.create("shop", { data: { new: true } }, by);
    expect(again.current()).toMatchObject({ data: { new: true }, revision: { number: 3 } });
    expect(await again.at(2)).toBeUndefined();
    expect((await again.at(1))?.data).toMatchObject({ server: { port: 80 } });
  });

  it("cannot all be removed", async () => {
    await expect(trees.remove("default", by)).rejects.toMatchObject({ code: "READ_ONLY" });
    await expect(trees.remove("none", by)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("are not there and not missing while nobody can tell, and come back by themselves", async () => {
    failing = new ConfigSyncError("HISTORY_UNUSABLE", "git is not installed");
    const blind = await open();
    expect(blind.names()).toEqual(["default"]);
    expect(blind.get("default")).toBe(host);
    expect(() => blind.get("shop")).toThrow("git is not installed");
    await expect(blind.create("new", { data: {} }, by)).rejects.toMatchObject({ code: "HISTORY_UNUSABLE" });
    failing = undefined;
    expect(() => blind.get("shop")).toThrow("git is not installed");
    await expect.poll(() => blind.names()).toContain("shop");
  });

  it("are not mixed up with what else is in the history", async () => {
    await makeStoredTree("default", { data: {}, schema: undefined }, by, parts);
    expect((await open()).names()).toEqual(["default", "shop"]);
  });
});
