import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { ApiApp } from "../../../src/api/http/parts.ts";
import { createApp } from "../../../src/apps/app.ts";
import { createDoor } from "../../../src/apps/door.ts";
import { createDoorTree } from "../../../src/apps/door-tree.ts";
import { openTrees } from "../../../src/apps/trees.ts";
import { environmentOf } from "../../../src/config/environment.ts";
import { formatPath } from "../../../src/config/path.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { memoryHistory } from "../../../src/history/memory.ts";
import { environmentSource } from "../../../src/sources/environment.ts";
import { fileSource } from "../../../src/sources/file.ts";
import { createBed, createInjected, forgetKnown, type Who, whoIsKnown } from "./http-bed.ts";

const folder = mkdtempSync(path.join(tmpdir(), "config-sync-http-env-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await forgetKnown();
});

const document = path.join(folder, "environment.yaml");
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
let api: Awaited<ReturnType<typeof createInjected>>;

beforeEach(async () => {
  writeFileSync(path.join(folder, "config.ini"), "[web]\nport = 80\n[mail]\nhost = smtp\npassword = planted-1\n");
  writeFileSync(
    document,
    `variables:
  TZ: UTC
  DB_PASSWORD: planted-2
mappings:
  PORT: web.port
  MAIL_URL: "smtp://me:\${mail.password}@\${mail.host}"
  LOST: web.nope
  OTHER_URL: "smtp://me:planted-3@\${mail.host}"
  PRICE: "$$5"
services:
  shop:
    variables: { TZ: Europe/Berlin }
    mappings: { "MAIL_*": mail.* }
`,
  );
  const app = await openApp();
  const found = (name: string) => (name === "default" ? app : undefined);
  api = await createInjected(await createBed({ app: found, services, trees: await openTreesOn(app) }));

  function services() {
    const { snapshot } = app.current();
    return ["shop", "blog"].map((name) => {
      const variables = snapshot === undefined ? [] : environmentOf(name, snapshot);
      const given = variables.map(({ name, definition }) => ({ name, definition: formatPath(definition.path) }));
      const environment = [{ output: `${name}/.env`, dialect: "env:compose", variables: given }];
      return { name, uses: name === "blog" ? ["web.port", "environment"] : ["mail.host"], environment };
    });
  }
});

async function openApp(): Promise<ApiApp> {
  const isSecret = secretPaths([]);
  const common = { secretPaths: isSecret, lookEvery: 3_600_000 };
  const ini = { path: path.join(folder, "config.ini"), name: "config.ini", protected: false, substitute: false };
  const app = createApp(
    "default",
    [
      fileSource({ ...common, ...ini, environment: {} }),
      environmentSource({ ...common, path: document, name: "environment.yaml" }),
    ],
    digest,
  );
  const door = createDoor({ app, history: memoryHistory(), clock: { now: () => 0 }, journal: folder });
  await door.look();
  return {
    ...door,
    environment: "environment.yaml",
    current: () => {
      const { snapshot, revision, problems } = door.current();
      return { snapshot, head: revision, problems };
    },
    validate: async () => [],
    revisions: door.revisions.list,
    revision: door.revisions.get,
    read: async (revision) => door.read(revision),
  };
}

/** The same as a tree. */
async function openTreesOn(app: ApiApp) {
  const host = createDoorTree({
    ...app,
    isSecret: secretPaths([]),
    rehearse: async () => undefined,
    lookAgain: async () => undefined,
    listen: () => undefined,
  });
  return openTrees(host, { history: memoryHistory, clock: { now: () => 0 }, digest, isSecret: secretPaths([]) });
}

type Method = "GET" | "PUT" | "POST" | "DELETE";

async function ask(
  who: Who | { readonly "x-api-key": string },
  method: Method,
  url: string,
  body?: object,
  headers = {},
) {
  const key = typeof who === "string" ? api.keyOf(who) : who;
  const payload = body === undefined ? {} : { payload: body };
  const answer = await api.server.inject({ method, url: `/api/v1${url}`, headers: { ...key, ...headers }, ...payload });
  return { status: answer.statusCode, etag: answer.headers.etag, body: answer.json() };
}

describe("the environment by the API", () => {
  test("is each variable with its value, where it comes from, and who gets it", async () => {
    const { body, etag } = await ask("viewer", "GET", "/environment");
    expect(etag).toBe('"1"');
    const byKey = Object.fromEntries(body.map((one: { key: string; name: string }) => [`${one.key} ${one.name}`, one]));
    expect(byKey["environment.TZ TZ"]).toEqual({
      name: "TZ",
      value: "UTC",
      secret: false,
      origin: "independent",
      key: "environment.TZ",
      file: "environment.yaml",
      line: 2,
      column: 7,
      // shop has one of its own.
      services: [{ name: "blog", output: "blog/.env", dialect: "env:compose" }],
    });
    expect(byKey["environment:shop.TZ TZ"]).toMatchObject({ service: "shop", services: [{ name: "shop" }] });
    expect(byKey["mappings.PORT PORT"]).toMatchObject({ value: "80", origin: "mapped", from: "web.port", line: 5 });
    expect(byKey["mappings.LOST LOST"]).toMatchObject({ value: null });
    expect(byKey["mappings.MAIL_URL MAIL_URL"]).toMatchObject({
      value: "smtp://me:[secret]@smtp",
      from: `smtp://me:\${mail.password}@\${mail.host}`,
      secret: true,
    });
    expect(byKey["mappings.OTHER_URL OTHER_URL"]).toMatchObject({ from: `smtp://me:[secret]@\${mail.host}` });
    expect(byKey["mappings:shop.MAIL_* MAIL_HOST"]).toMatchObject({ value: "smtp", from: "mail.*" });
    expect(JSON.stringify(body)).not.toContain("planted");
  });

  test("is by its name the one that counts, and not what a star would make of it", async () => {
    await ask("editor", "PUT", "/mappings/MAIL_HOST?service=shop", { from: "web.port" });
    const { body } = await ask("viewer", "GET", "/environment/MAIL_HOST?service=shop");
    expect(body).toMatchObject({ value: "80", services: [{ name: "shop" }] });
  });

  test("shows secrets to an admin who asks for it, on record, and to nobody else", async () => {
    const { body } = await ask("admin", "GET", "/environment/DB_PASSWORD?reveal=true");
    expect(body.value).toBe("planted-2");
    expect(api.acts.map(({ what }) => what)).toEqual(["reveal"]);
    expect((await ask("editor", "GET", "/environment?reveal=true")).status).toBe(403);
  });

  test("is set, for all and for one service, and removed, each a revision", async () => {
    const { body } = await ask("editor", "PUT", "/environment/LEVEL?service=shop&message=why", { value: "debug" });
    expect(body).toMatchObject({
      revision: { number: 2, message: "why" },
      changes: [{ key: "environment:shop.LEVEL", kind: "added", after: "debug" }],
    });
    expect(readFileSync(document, "utf8")).toContain('LEVEL: "debug"');
    await ask("editor", "PUT", "/mappings/HOST", { from: "mail.host" });
    expect((await ask("viewer", "GET", "/environment/HOST")).body).toMatchObject({ value: "smtp" });
    expect((await ask("editor", "DELETE", "/mappings/HOST")).status).toBe(200);
    expect((await ask("viewer", "GET", "/environment/HOST")).body).toMatchObject({ code: "NOT_FOUND", status: 404 });
    expect(api.acts.map(({ what, revision, keys }) => [what, revision, keys])).toEqual([
      ["change", 2, ["environment:shop.LEVEL"]],
      ["change", 3, ["mappings.HOST"]],
      ["change", 4, ["mappings.HOST"]],
    ]);
  });

  test("is changed only on the revision that was looked at", async () => {
    const { status, body } = await ask("editor", "PUT", "/environment/A", { value: "b" }, { "if-match": '"7"' });
    expect([status, body.code]).toEqual([412, "REVISION_MOVED"]);
  });

  test.each([
    ["a name that is none", "PUT", "/environment/A%20B", { value: "x" }, 400, "REQUEST_INVALID"],
    ["a star that is no mapping", "PUT", "/environment/A*", { value: "x" }, 400, "REQUEST_INVALID"],
    ["a variable that is mapped", "PUT", "/environment/PORT", { value: "x" }, 422, "SOURCE_INVALID"],
    ["a mapping of nothing", "PUT", "/mappings/A", { from: "mail" }, 422, "VALUE_INVALID"],
    [
      "what is shown in the place of a secret",
      "PUT",
      "/environment/DB_PASSWORD",
      { value: "[secret]" },
      422,
      "VALUE_INVALID",
    ],
    ["what is not there", "DELETE", "/environment/NOPE", undefined, 404, "NOT_FOUND"],
  ] as const)("refuses %s", async (_, method, url, body, status, code) => {
    const before = readFileSync(document, "utf8");
    expect(await ask("editor", method, url, body)).toMatchObject({ status, body: { code } });
    expect(readFileSync(document, "utf8")).toBe(before);
  });

  test("lists the mappings and what each makes", async () => {
    const { body } = await ask("viewer", "GET", "/mappings?service=shop");
    const place = { key: "mappings:shop.MAIL_*", file: "environment.yaml", line: 13 };
    const made = { from: "mail.*", variables: ["MAIL_HOST", "MAIL_PASSWORD"] };
    expect(body).toMatchObject([{ name: "MAIL_*", service: "shop", ...made, ...place }]);
    expect((await ask("viewer", "GET", "/mappings/PORT")).body).toMatchObject({
      from: "web.port",
      variables: ["PORT"],
    });
    expect(JSON.stringify((await ask("admin", "GET", "/mappings")).body)).not.toContain("planted");
  });
});

describe("who is narrowed to a section", () => {
  test("sees the variables that are mapped from it, and the services that are made of it", async () => {
    const { body } = await ask("narrow-viewer", "GET", "/environment");
    expect(body.map(({ name }: { name: string }) => name)).toEqual(["PORT", "LOST"]);
    expect(body[0].services.map(({ name }: { name: string }) => name)).toEqual(["blog"]);
    const mappings = await ask("narrow-viewer", "GET", "/mappings");
    expect(mappings.body.map(({ name }: { name: string }) => name)).toEqual(["PORT", "LOST"]);
  });

  test("sets no variable", async () => {
    expect((await ask("narrow-editor", "PUT", "/environment/A", { value: "b" })).status).toBe(403);
    expect((await ask("narrow-editor", "PUT", "/mappings/A", { from: "web.port" })).status).toBe(403);
  });

  test("maps nothing that he may not read, by no route", async () => {
    const { access } = await whoIsKnown();
    const key = await access.createKey("mapper", { role: "editor", sections: ["mappings", "web"] });
    const mapper = { "x-api-key": key };
    expect((await ask(mapper, "PUT", "/mappings/A", { from: "mail.password" })).status).toBe(403);
    expect((await ask(mapper, "PUT", "/settings/mappings", { "A*": "mail.*" })).status).toBe(403);
    const url = "/api/apps/default/config/mappings.A";
    const byTree = async (value: string) =>
      (await api.server.inject({ method: "PUT", url, headers: mapper, payload: { value } })).statusCode;
    expect(await byTree("mail.password")).toBe(403);
    expect(await byTree("web.port")).toBe(200);
    expect((await ask(mapper, "PUT", "/mappings/B", { from: "web.port" })).status).toBe(200);
    await ask("editor", "DELETE", "/mappings/OTHER_URL");
    const back = (to: number) => ask(mapper, "POST", "/settings/rollback", { to, section: "mappings" });
    expect((await back(1)).status).toBe(403);
    expect((await back(2)).status).toBe(403);
    expect((await back(4)).status).toBe(200);
  });
});

test("where there is no document of it, nothing is written elsewhere", async () => {
  const plain = await createInjected();
  const answer = await plain.server.inject({
    method: "PUT",
    url: "/api/v1/environment/TZ",
    headers: plain.keyOf("editor"),
    payload: { value: "UTC" },
  });
  expect([answer.statusCode, answer.json().code]).toEqual([404, "NOT_FOUND"]);
});
