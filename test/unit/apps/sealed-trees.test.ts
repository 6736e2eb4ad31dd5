import { hash } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { sealTree, unsealTree } from "../../../src/apps/sealed-tree.ts";
import type { TreeApp, TreeApps } from "../../../src/apps/tree-app.ts";
import { openTrees } from "../../../src/apps/trees.ts";
import { createKeyText, isSealed, type Key, keyIdOf, parseKey, seal } from "../../../src/config/encryption.ts";
import type { JsonTree } from "../../../src/config/json.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { History } from "../../../src/history/history.ts";
import { memoryHistory } from "../../../src/history/memory.ts";

/** Apps made by requests, where there is a key. */

let history: History;
let keys: readonly Key[] | undefined;
let failing: ConfigSyncError | undefined;
const isSecret = secretPaths([]);
const by = { author: "ann", message: "because" };
const host = { name: "default" } as TreeApp;
const parts = {
  history: () => history,
  clock: { now: () => 1 },
  digest: (text: string) => hash("sha256", text),
  isSecret,
  keys: () => {
    if (failing !== undefined) throw failing;
    return keys;
  },
};
const open = (): Promise<TreeApps> => openTrees(host, parts);

function newKey(): Key {
  const key = parseKey(createKeyText());
  if (key === undefined) throw new Error("a new key is not one");
  return key;
}

const [first, second] = [newKey(), newKey()];
const data = { login: { password: "canary-1", user: "ann" }, port: 80 };
const schema = { properties: { pin: { writeOnly: true }, codes: { format: "password" } } };

let trees: TreeApps;
let shop: TreeApp;

beforeEach(async () => {
  history = memoryHistory();
  keys = [first];
  failing = undefined;
  trees = await open();
  shop = await trees.create("shop", { data, schema }, by);
});

const set = (path: string[], value: JsonTree[string]) => shop.change({ ...by, edits: [{ path, value }] });
const sealIn = (which: "clear" | "old") => shop.seal?.({ ...by, which });

async function documentOf(app = "shop"): Promise<string> {
  const head = await history.head(app);
  const revision = head && (await history.get(app, head.number));
  const bytes = revision?.documents.find(({ name }) => name === "config.json")?.bytes;
  return Buffer.from(bytes ?? []).toString();
}

const written = async (app?: string) => JSON.parse(await documentOf(app));

/** Puts a document into the history as nobody of ours would. */
async function plant(app: string, value: JsonTree): Promise<void> {
  const head = await history.head(app);
  const documents = [{ name: "config.json", bytes: Buffer.from(JSON.stringify(value)) }];
  await history.append(app, { ...by, at: 1, hash: "planted", documents }, head?.number ?? 0);
}

describe("with a key, the document", () => {
  it("holds what is secret by its name, by the schema or in a URL sealed, and everything else as it is", async () => {
    await set(["pin"], 4711);
    await set(["codes"], ["canary-2", { a: "canary-3" }]);
    await set(["db"], "postgres://app:canary-4@db/app");
    await set(["users"], [{ name: "bob", token: "canary-5" }]);
    const text = await documentOf();
    expect(text).not.toMatch(/canary|4711/);
    expect(JSON.parse(text)).toMatchObject({ login: { user: "ann" }, port: 80, users: [{ name: "bob" }] });
    const read = (await open()).get("shop")?.current().data;
    expect(read).toEqual({
      ...data,
      pin: 4711,
      codes: ["canary-2", { a: "canary-3" }],
      db: "postgres://app:canary-4@db/app",
      users: [{ name: "bob", token: "canary-5" }],
    });
    expect(shop.current().data).toEqual(read);
  });

  it("leaves as it is what hides nothing: an empty text and null", async () => {
    await set(["login"], { password: "", token: null });
    expect(await written()).toMatchObject({ login: { password: "", token: null } });
  });

  it("keeps what nobody changes as it was sealed, under whatever else is changed", async () => {
    await set(["list"], [{ token: "a" }, { token: "b" }]);
    const { login, list } = await written();
    await set(["port"], 81);
    await shop.change({ ...by, edits: [{ path: [], value: { ...data, list: [{ token: "a" }, { token: "c" }] } }] });
    await shop.change({ ...by, edits: [], schema: { properties: {} } });
    const after = await written();
    expect(after.login.password).toBe(login.password);
    expect(after.list[0].token).toBe(list[0].token);
    expect(after.list[1].token).not.toBe(list[1].token);
    trees = await open();
    shop = trees.get("shop") ?? shop;
    await set(["port"], 82);
    expect((await written()).login.password).toBe(login.password);
  });

  it("is sealed anew where another schema makes secret what was none", async () => {
    await set(["note"], "canary-6");
    expect(await documentOf()).toContain("canary-6");
    await shop.change({ ...by, edits: [], schema: { properties: { note: { writeOnly: true } } } });
    expect(await documentOf()).not.toContain("canary-6");
  });

  it("gives every tree back as it was", async () => {
    const names = fc.constantFrom("password", "a", "token", "constructor", "list");
    const trees = fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });
    fc.assert(
      fc.property(trees, trees, (one, two) => {
        const sealing = { app: "x", keys: () => [first] };
        const [before, after] = [one as JsonTree, two as JsonTree];
        const tree = unsealTree(sealTree(before, undefined, isSecret, sealing), sealing);
        expect(JSON.stringify(tree.data)).toBe(JSON.stringify(before));
        for (const isSame of [true, false]) {
          const next = sealTree(after, { ...tree, isSame }, isSecret, sealing);
          expect(JSON.stringify(unsealTree(next, sealing).data)).toBe(JSON.stringify(after));
        }
      }),
    );
  });
});

describe("a sealed value", () => {
  const refused = { code: "SOURCE_INVALID", key: "login.password" };

  it("that was moved to another key or app is refused, and the other apps go on", async () => {
    const { login } = await written();
    await plant("moved", { login: { secret: login.password } });
    await plant("other", { login: { password: login.password } });
    await plant("well", { n: 1 });
    trees = await open();
    expect(() => trees.get("moved")?.current()).toThrow(/app "moved" .*login\.secret .*sealed for another/);
    expect(() => trees.get("other")?.current()).toThrow(/app "other" .*login\.password .*sealed for another/);
    expect(trees.get("well")?.current().data).toEqual({ n: 1 });
    expect(trees.get("shop")?.current().data).toEqual(data);
    expect(trees.names()).toEqual(["default", "moved", "other", "shop", "well"]);
  });

  it("whose key is gone is an error, never used as it stands, until the key is back", async () => {
    keys = [second];
    trees = await open();
    shop = trees.get("shop") ?? shop;
    expect(() => shop.current()).toThrow(expect.objectContaining(refused));
    await expect(set(["port"], 1)).rejects.toMatchObject(refused);
    await expect(shop.at(1)).rejects.toMatchObject(refused);
    keys = undefined;
    expect(() => trees.get("shop")?.current()).toThrow(expect.objectContaining(refused));
    keys = [second, first];
    await expect.poll(() => trees.get("shop")?.current().data).toEqual(data);
  });

  it("that cannot be opened does not keep its app from being removed", async () => {
    keys = [second];
    trees = await open();
    await trees.remove("shop", by);
    expect(trees.get("shop")).toBeUndefined();
    await trees.create("shop", { data: { new: 1 } }, by);
    expect((await open()).get("shop")?.current().data).toEqual({ new: 1 });
  });

  it("that is no JSON, as those of config.ini are none, is refused", async () => {
    const text = seal("no JSON", first, { app: "planted", path: ["password"] });
    await plant("planted", { password: text });
    expect(() => unsealTree({ password: text }, { app: "planted", keys: () => [first] })).toThrow(/of another kind/);
    trees = await open();
    expect(() => trees.get("planted")?.current()).toThrow(/of another kind/);
  });

  it.each(["password", "plain", "tokens"])(
    "cannot be given as a value (%s), with a key and without one",
    async (name) => {
      const { login } = await written();
      for (const value of [login.password, [login.password], [{ a: login.password }]])
        for (const now of [keys, undefined]) {
          keys = now;
          await expect(set([name], value)).rejects.toMatchObject({ code: "VALUE_INVALID" });
        }
      expect((await history.head("shop"))?.number).toBe(1);
    },
  );
});

describe("sealing", () => {
  it("makes one revision of what stood in clear, and none of what is sealed", async () => {
    keys = undefined;
    const app = await trees.create("clear", { data: { ...data, list: [{ token: 5 }] } }, by);
    expect(await written("clear")).toEqual(app.current().data);
    keys = [first];
    await app.change({ ...by, edits: [{ path: ["port"], value: 81 }] });
    expect(await documentOf("clear")).toContain("canary-1");
    const sealed = await app.seal?.({ ...by, which: "clear" });
    expect(sealed).toMatchObject({ revision: { number: 3 }, keys: ["login.password", "list.0.token"] });
    expect(await documentOf("clear")).not.toContain("canary-1");
    expect((await open()).get("clear")?.current().data).toEqual({ ...data, port: 81, list: [{ token: 5 }] });
    expect(await app.seal?.({ ...by, which: "clear" })).toMatchObject({ revision: { number: 3 }, keys: [] });
  });

  it("with another key in front seals all of the old one anew, and tells no change", async () => {
    const before = await written();
    const told: number[] = [];
    shop.watch(({ changes }) => told.push(changes.length));
    keys = [second, first];
    expect(await sealIn("old")).toMatchObject({ revision: { number: 2 }, keys: ["login.password"] });
    const after = await written();
    expect([before, after].map(({ login }) => keyIdOf(login.password))).toEqual([first.id, second.id]);
    expect(told).toEqual([0]);
    expect(await sealIn("old")).toMatchObject({ keys: [] });
    keys = [second];
    expect((await open()).get("shop")?.current().data).toEqual(data);
  });

  it("is refused without a key", async () => {
    keys = undefined;
    await expect(sealIn("clear")).rejects.toMatchObject({ code: "KEY_UNUSABLE" });
  });
});

it("a secret is not written in clear where its key cannot be read; what is none can be changed", async () => {
  failing = new ConfigSyncError("KEY_UNUSABLE", "keys: is not there");
  await expect(set(["login", "password"], "canary-7")).rejects.toBe(failing);
  expect(await set(["port"], 81)).toMatchObject({ revision: { number: 2 } });
  expect(isSealed((await written()).login.password)).toBe(true);
});

it("without a key everything stands in clear, as it always did", async () => {
  keys = undefined;
  await set(["login", "password"], "canary-8");
  await trees.create("clear", { data }, by);
  expect(await written("clear")).toEqual(data);
  expect((await written()).login.password).toBe("canary-8");
});
