import { hash } from "node:crypto";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { Grant } from "../../../src/access/principal.ts";
import type { TreeApp, TreeApps } from "../../../src/apps/tree-app.ts";
import { openTrees } from "../../../src/apps/trees.ts";
import { createKeyText, type Key, parseKey } from "../../../src/config/encryption.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import type { History } from "../../../src/history/history.ts";
import { memoryHistory } from "../../../src/history/memory.ts";
import { createBed, createInjected, forgetKnown } from "./http-bed.ts";

/** `POST /api/v1/seal` over apps in memory, `default` at its door among them. */

afterAll(forgetKnown);

let history: History;
let keys: readonly Key[] | undefined;
let trees: TreeApps;
const by = { author: "test", message: "made" };

const open = (): Promise<TreeApps> => {
  const of = { history: () => history, clock: { now: () => 1 }, digest: (text: string) => hash("sha256", text) };
  return openTrees({ name: "default" } as TreeApp, { ...of, isSecret: secretPaths([]), keys: () => keys });
};

beforeEach(async () => {
  history = memoryHistory();
  keys = undefined;
  trees = await open();
  for (const name of ["shop", "plain", "other"])
    await trees.create(name, { data: name === "plain" ? { n: 1 } : { user_pwd: "planted", n: 1 } }, by);
  keys = [newKey()];
});

function newKey(): Key {
  const key = parseKey(createKeyText());
  if (key === undefined) throw new Error("a new key is not one");
  return key;
}

async function createSealing(over: { readonly grant?: Grant; readonly readOnly?: string } = {}) {
  const bed = await createBed({ trees });
  const { grant = { role: "admin" }, readOnly } = over;
  const access = { ...bed.parts.access, authenticate: async () => ({ name: "ann", kind: "key", grant }) as const };
  const api = await createInjected({ ...bed, parts: { ...bed.parts, access } }, { readOnly });
  const seal = async (which: string, message?: string) => {
    const url = `/api/v1/seal${message === undefined ? "" : `?message=${message}`}`;
    const headers = { "x-api-key": "any" };
    const answer = await api.server.inject({ method: "POST", url, headers, payload: { which } });
    return { status: answer.statusCode, body: answer.json() };
  };
  return { ...api, seal };
}

test("seals in every app, one revision each, says in which, and puts each on record", async () => {
  const { seal, acts } = await createSealing();
  const { status, body } = await seal("clear", "none in clear");
  expect(status).toBe(200);
  expect(body.apps).toMatchObject([
    { app: "other", revision: { number: 2, author: "ann", message: "none in clear" }, keys: ["user_pwd"] },
    { app: "shop", revision: { number: 2 }, keys: ["user_pwd"] },
  ]);
  expect(acts).toMatchObject([
    { what: "seal", app: "other", revision: 2, keys: ["user_pwd"], outcome: "done" },
    { what: "seal", app: "shop", revision: 2, keys: ["user_pwd"], outcome: "done" },
  ]);
  expect((await seal("clear")).body).toEqual({ apps: [] });
  // Of nothing that was done there is no app.
  expect(acts).toHaveLength(3);
  expect(acts[2]?.app).toBeUndefined();
  expect(trees.get("shop")?.current().data).toEqual({ user_pwd: "planted", n: 1 });
});

test("keeps no secret of any of the apps in the reason that all of them get", async () => {
  await trees.get("plain")?.change({ ...by, edits: [{ path: ["token"], value: "hunter2" }] });
  const { seal, acts } = await createSealing();
  const { body } = await seal("clear", "hunter2 and planted are no more");
  const message = "[secret] and [secret] are no more";
  expect(body.apps).toMatchObject(["other", "shop"].map((app) => ({ app, revision: { message } })));
  expect(acts.map(({ why }) => why)).toEqual([message, message]);
});

test("reaches only apps that the one who asks administers", async () => {
  const { seal } = await createSealing({ grant: { role: "admin", apps: ["shop"] } });
  expect((await seal("clear")).body.apps).toMatchObject([{ app: "shop" }]);
  expect(trees.get("other")?.current().revision.number).toBe(1);
  const sections = await createSealing({ grant: { role: "admin", apps: ["other"], sections: ["n"] } });
  expect((await sections.seal("clear")).status).toBe(403);
});

test("goes on behind an app that refuses, answers with its refusal, and finishes when it is asked again", async () => {
  await trees.get("other")?.change({ ...by, edits: [{ path: ["token"], value: "planted" }] });
  const old = keys ?? [];
  keys = [newKey()];
  trees = await open();
  const { seal, acts } = await createSealing();
  const { status, body } = await seal("clear");
  expect(status).toBe(422);
  expect(acts).toMatchObject([
    { what: "seal", app: "shop", revision: 2, outcome: "done" },
    { what: "seal", app: "other", outcome: "refused", code: "SOURCE_INVALID" },
  ]);
  expect(acts[1]).not.toHaveProperty("revision");
  expect(body).toMatchObject({
    code: "SOURCE_INVALID",
    key: "token",
    detail: expect.stringMatching(/app "other" .*token is sealed with key .*\(sealed in shop\)/),
  });
  expect(trees.get("shop")?.current().revision.number).toBe(2);
  keys = [...keys, ...old];
  expect((await seal("clear")).body.apps).toMatchObject([{ app: "other", keys: ["user_pwd"] }]);
});

test("is refused where changes are, with and without the name of an app", async () => {
  const { seal, server } = await createSealing({ readOnly: "only looks" });
  expect(await seal("clear")).toMatchObject({ status: 403, body: { code: "READ_ONLY" } });
  const one = { method: "POST", url: "/api/v1/settings/seal", headers: { "x-api-key": "any" } } as const;
  const answer = await server.inject({ ...one, payload: { which: "clear" } });
  expect(answer.json()).toMatchObject({ code: "READ_ONLY" });
});
