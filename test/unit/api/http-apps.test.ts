import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createBed, createInjected, forgetKnown, planted, type Who } from "./http-bed.ts";

afterAll(forgetKnown);

let api: Awaited<ReturnType<typeof createInjected>>;

beforeEach(async () => {
  api = await createInjected();
});

type Method = "GET" | "POST" | "PUT" | "DELETE";

async function ask(who: Who, method: Method, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const payload = body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) };
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await api.server.inject({
    method,
    url,
    headers: { ...api.keyOf(who), ...type, ...headers },
    ...payload,
  });
  return {
    status: answer.statusCode,
    etag: answer.headers.etag,
    text: answer.body,
    body: answer.body && answer.json(),
  };
}

const shop = "/api/apps/shop/config";
const host = "/api/apps/default/config";

describe("a path", () => {
  test.each([
    ["web.port", "web.port"],
    ["web/port", "web.port"],
    ["%77eb.port", "web.port"],
    ["[web].port", "web.port"],
  ])("%s is %s", async (written, path) => {
    expect(await ask("viewer", "GET", `${shop}/${written}`)).toMatchObject({
      status: 200,
      body: { path, value: 8080 },
    });
  });

  test.each([
    ["a%2Fb.c", "a/b.c", { "a/b": { c: 1 } }],
    ["a%2Fb/c.d", "a/b.[c.d]", { "a/b": { "c.d": 1 } }],
    ["[a.b].c", "[a.b].c", { "a.b": { c: 1 } }],
    ["%5Bx%5D", "x", { x: 1 }],
    ["constructor.name", "constructor.name", { constructor: { name: 1 } }],
    ["x/apps/other/config/y", "x.apps.other.config.y", { x: { apps: { other: { config: { y: 1 } } } } }],
  ])("%s names its keys and no others", async (written, path, made) => {
    await ask("editor", "PUT", shop, {});
    expect(await ask("editor", "PUT", `${shop}/${written}`, { value: 1 })).toMatchObject({
      status: 200,
      body: { path },
    });
    expect((await ask("viewer", "GET", shop)).body).toEqual(made);
  });

  test("is the same one however the way to it is written", async () => {
    for (const written of ["/api/%61pps/shop/con%66ig", "http://127.0.0.1/api/apps/shop/config"])
      expect((await ask("viewer", "GET", `${written}/x/apps/other/config/y`)).body).toMatchObject({
        key: "x.apps.other.config.y",
      });
  });

  test.each(["", "a..b", "[a", "."])("%j names nothing", async (written) => {
    expect(await ask("editor", "PUT", `${shop}/${written}`, { value: 1 })).toMatchObject({ status: 400 });
  });

  test.each(["__proto__", "a.__proto__", "a/__proto__/b"])("%s is refused", async (written) => {
    const { status, body } = await ask("editor", "PUT", `${shop}/${written}`, { value: 1 });
    expect([status, body.code]).toEqual([422, "VALUE_INVALID"]);
    expect(({} as { b?: unknown }).b).toBeUndefined();
  });
});

describe("a body", () => {
  test.each([
    ["{", 400],
    ['{"__proto__": {"x": 1}}', 400],
    ['{"a": {"__proto__": 1}}', 400],
    ["[1]", 400],
    [`{"a": ${"[".repeat(101)}${"]".repeat(101)}}`, 400],
    [`{"a": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`, 400],
    ['{"a": 1e999}', 422],
    ['{"a": "\\ud800"}', 422],
  ])("%s is refused with %i, and nothing is changed", async (body, status) => {
    const headers = { "idempotency-key": "once" };
    expect((await ask("editor", "PUT", shop, body, headers)).status).toBe(status);
    expect((await ask("viewer", "GET", shop)).etag).toBe('"1"');
  });
});

test("a body in another encoding is refused, and not taken with other letters in it", async () => {
  for (const encoding of ["latin1", "utf16le"] as const) {
    const payload = Buffer.from('{"value": "caf\u00e9"}', encoding);
    const headers = { ...api.keyOf("editor"), "content-type": "application/json; charset=utf-8" };
    const answer = await api.server.inject({ method: "PUT", url: `${shop}/n`, headers, payload });
    expect([answer.statusCode, answer.json().code]).toEqual([400, "REQUEST_INVALID"]);
  }
});

describe("writing", () => {
  test("answers with the new state, and its revision as ETag", async () => {
    const merged = await ask("editor", "POST", `${shop}?message=why`, { web: { host: "a" } }, { "if-match": '"1"' });
    expect(merged).toMatchObject({
      status: 200,
      etag: '"2"',
      body: {
        revision: { number: 2, author: "editor", message: "why" },
        data: { web: { port: 8080, host: "a" } },
        changes: [{ path: "web.host", kind: "added", after: "a" }],
      },
    });
    expect(await ask("editor", "PUT", shop, {}, { "if-match": '"1"' })).toMatchObject({ status: 412 });
    const gone = await ask("editor", "DELETE", `${shop}/web`);
    expect(gone.body.changes).toHaveLength(3);
    expect(await ask("editor", "DELETE", `${shop}/web`)).toMatchObject({ status: 404, body: { key: "web" } });
  });

  test("goes into the files of the host, whose values are texts", async () => {
    expect((await ask("editor", "PUT", `${host}/web/port`, { value: 81 })).body).toMatchObject({ value: "81" });
    expect((await ask("viewer", "GET", "/api/v1/settings/web/port")).body).toMatchObject({ value: "81" });
    await ask("editor", "PUT", `${host}/web`, { value: { host: "a", tls: true } });
    expect((await ask("viewer", "GET", `${host}/web`)).body.value).toEqual({ host: "a", tls: "true" });
    for (const value of [null, [1], { deep: { er: 1 } }])
      expect(await ask("editor", "PUT", `${host}/web.port`, { value })).toMatchObject({ status: 422 });
    const system = await ask("editor", "PUT", `${host}/max_apps.key`, { value: 3 });
    expect(system.body).toMatchObject({ status: 403, code: "READ_ONLY" });
  });

  test("of the whole host leaves what may not be written, and takes back what it showed", async () => {
    const { body } = await ask("editor", "GET", host);
    delete body.max_apps;
    body.gitea.http_port = 3001;
    delete body.gitea.base_url;
    const written = await ask("editor", "PUT", host, body);
    expect(written.body.changes.map(({ path, kind }: { path: string; kind: string }) => [path, kind])).toEqual([
      ["gitea.http_port", "changed"],
      ["gitea.base_url", "removed"],
    ]);
    expect(written.body.data.max_apps).toEqual({ key: "2" });
    const { gitea } = (await ask("admin", "GET", `${host}?reveal=true`)).body;
    expect(gitea.user_pwd).toContain(planted);
  });

  test("answers with the value that was set, also where it is gone by the time that this is on record", async () => {
    const bed = await createBed();
    const { trees, audit } = bed.parts;
    const append: typeof audit.append = async (told) => {
      if (told.revision === 2)
        await trees.get("shop")?.change({ author: "other", message: "", edits: [{ path: ["web"] }] });
      return audit.append(told);
    };
    api = await createInjected({ ...bed, parts: { ...bed.parts, audit: { ...audit, append } } });
    expect(await ask("editor", "PUT", `${shop}/web.port`, { value: 81 })).toMatchObject({
      status: 200,
      body: { revision: { number: 2 }, value: 81 },
    });
    expect(await ask("viewer", "GET", `${shop}/web.port`)).toMatchObject({ status: 404 });
  });

  test("makes and removes an app only where that is what was looked at", async () => {
    const [seen, moved] = [{ "if-match": '"1"' }, { "if-match": '"7"' }];
    expect(await ask("editor", "DELETE", "/api/apps/shop", undefined, moved)).toMatchObject({ status: 412 });
    expect(await ask("editor", "POST", "/api/apps/new", {}, seen)).toMatchObject({ status: 412 });
    expect(await ask("editor", "POST", "/configs", { name: "new" }, { "if-match": "*" })).toMatchObject({
      status: 412,
    });
    expect((await ask("viewer", "GET", "/api/apps")).body.apps).toEqual(["default", "other", "shop", "typed"]);
    expect(await ask("editor", "DELETE", "/api/apps/shop", undefined, seen)).toMatchObject({ status: 204 });
  });

  test("with an empty reason is as without one", async () => {
    for (const [url, body, path] of [
      [`${shop}/n?message=`, { value: 1 }, "n"],
      ["/api/v1/settings/web?message=%20%0A", { port: "81" }, "web.port"],
    ] as const)
      expect((await ask("editor", "PUT", url, body)).body.revision.message).toBe(`set ${path}`);
  });

  test("is done once for one Idempotency-Key", async () => {
    const key = { "idempotency-key": "once" };
    const first = await ask("editor", "PUT", `${shop}/n`, { value: 1 }, key);
    const second = await ask("editor", "PUT", `${shop}/n`, { value: 1 }, key);
    expect(second.text).toBe(first.text);
    expect(await ask("editor", "PUT", `${shop}/n`, { value: 2 }, key)).toMatchObject({ status: 422 });
  });

  test("is not done again to an app that was made anew, where there is no more to answer than that it was", async () => {
    const remove = () => ask("editor", "DELETE", "/api/apps/shop", undefined, { "idempotency-key": "gone" });
    expect((await remove()).status).toBe(204);
    await ask("editor", "POST", "/api/apps/shop", {});
    expect(await remove()).toMatchObject({ status: 204, text: "" });
    expect((await ask("viewer", "GET", shop)).status).toBe(200);
  });

  test("is refused while nothing may be changed", async () => {
    api = await createInjected(undefined, { readOnly: "closed today" });
    for (const [method, url, body] of [
      ["PUT", shop, {}],
      ["POST", "/api/apps/new", {}],
      ["DELETE", "/api/apps/shop", undefined],
      ["PUT", "/configs/shop", { data: {} }],
      ["POST", "/configs", { name: "new" }],
    ] as const)
      expect(await ask("admin", method, url, body)).toMatchObject({ status: 403, body: { detail: "closed today" } });
    expect((await ask("admin", "GET", shop)).status).toBe(200);
  });
});

describe("secrets", () => {
  test("are nowhere but where they are asked for by who may, and that is on record", async () => {
    const seen = [];
    for (const app of ["shop", "other", "typed", "default"]) {
      seen.push(await ask("editor", "GET", `/api/apps/${app}/config`), await ask("editor", "GET", `/configs/${app}`));
      seen.push(await ask("editor", "GET", `/configs/${app}?version=1`));
      seen.push(await ask("editor", "PUT", `/api/apps/${app}/config/x.user_pwd`, { value: planted }));
      seen.push(await ask("editor", "PUT", `/api/apps/${app}/config/x.user_pwd`, { value: `${planted}2` }));
      seen.push(await ask("editor", "DELETE", `/api/apps/${app}/config/x`));
      seen.push(await ask("editor", "GET", `/configs/${app}?version=2`));
    }
    expect(seen.map(({ text }) => text).join()).not.toContain(planted);
    expect(api.acts.map(({ why }) => why).join()).not.toContain(planted);
    expect(await ask("editor", "GET", `${shop}?reveal=true`)).toMatchObject({ status: 403 });
    expect((await ask("admin", "GET", "/api/apps/other/config/web/token?reveal=true")).body.value).toContain(planted);
    expect(api.acts.at(-1)).toMatchObject({ what: "reveal", app: "other", outcome: "done", who: { name: "admin" } });
  });

  test("that a schema makes are in no reason that comes with it", async () => {
    const schema = { properties: { note: { writeOnly: true } } };
    await ask("editor", "POST", "/configs", { name: "noted" });
    const message = `note is ${planted} now`;
    await ask("editor", "PUT", "/configs/noted", { data: { note: planted }, schema, message });
    const { text, body } = await ask("editor", "GET", "/configs/noted/versions");
    expect(body.versions[0].message).toBe("note is [secret] now");
    expect(text + JSON.stringify(api.acts)).not.toContain(planted);
  });

  test("that a schema makes are not unmade by who may not see them", async () => {
    const schema = { properties: { note: { writeOnly: true } } };
    await ask("editor", "POST", "/configs", { name: "noted", data: { note: planted }, schema });
    const put = (who: Who, next: unknown) =>
      ask(who, "PUT", "/configs/noted", { data: { note: "[secret]" }, schema: next });
    for (const next of [null, {}, { properties: { note: {} } }])
      expect(await put("editor", next)).toMatchObject({ status: 403 });
    expect(await put("editor", { ...schema, title: "notes" })).toMatchObject({ status: 200 });
    expect((await put("admin", null)).text).toContain(planted);
    expect((await ask("editor", "GET", "/configs/noted?version=1")).body.data.note).toBe("[secret]");
  });
});

describe("a grant", () => {
  test("on one section reaches of an app what is named so", async () => {
    await ask("editor", "POST", shop, { mail: { host: "hidden" } });
    expect((await ask("narrow-viewer", "GET", shop)).body).toEqual({ web: { port: 8080, tags: ["a"] } });
    expect((await ask("narrow-viewer", "GET", "/configs/shop")).body).toMatchObject({ schema: null, message: "" });
    for (const path of ["mail", "mail/host", "nope", "gitea.user_pwd"])
      expect((await ask("narrow-viewer", "GET", `${shop}/${path}`)).status, path).toBe(403);
    expect(await ask("narrow-editor", "PUT", `${shop}/web.port`, { value: 1 })).toMatchObject({ status: 200 });
    expect(await ask("narrow-editor", "PUT", `${shop}/mail.host`, { value: "x" })).toMatchObject({ status: 403 });
    // Right or wrong: who tries does not learn what stands there.
    for (const guess of ["hidden", "other"])
      expect((await ask("narrow-editor", "POST", shop, { mail: { host: guess } })).status).toBe(403);
    const whole = await ask("narrow-editor", "PUT", shop, { web: {} });
    expect(whole.status).toBe(403);
    expect(whole.text).not.toContain("mail");
    expect(await ask("narrow-editor", "POST", "/api/apps/new", {})).toMatchObject({ status: 403 });
    expect(await ask("narrow-editor", "DELETE", "/api/apps/shop")).toMatchObject({ status: 403 });
    expect(await ask("narrow-admin", "PUT", "/configs/shop", { data: {}, schema: {} })).toMatchObject({ status: 403 });
    expect(await ask("narrow-viewer", "POST", "/api/apps/shop/validate", { mail: {} })).toMatchObject({ status: 403 });
    expect((await ask("narrow-viewer", "GET", "/api/apps")).body.apps).toContain("shop");
  });

  test("on one app reaches no other, whatever is asked for", async () => {
    expect((await ask("stranger", "GET", "/api/apps")).body).toEqual({ apps: ["other"] });
    expect(await ask("stranger", "GET", "/api/apps/other/config")).toMatchObject({ status: 200 });
    for (const url of [
      shop,
      `${shop}/web?app=other`,
      "/configs/shop",
      "/configs/shop/versions",
      "/api/apps/Other/config",
    ])
      expect((await ask("stranger", "GET", url)).status, url).toBe(403);
    expect(await ask("stranger", "POST", "/configs", { name: "mine" })).toMatchObject({ status: 403 });
    expect(await ask("stranger", "POST", "/api/apps/mine", {})).toMatchObject({ status: 403 });
    expect(await ask("stranger", "DELETE", "/api/apps/other")).toMatchObject({ status: 204 });
    expect(await ask("stranger", "POST", "/configs", { name: "other" })).toMatchObject({ status: 201 });
  });

  test("to write does not write the section with the key to the API, in any way", async () => {
    const key = "another key that is long enough";
    for (const [method, url, body] of [
      ["PUT", `${host}/api_key.key`, { value: key }],
      ["PUT", `${host}/api_key`, { value: { key } }],
      ["POST", host, { api_key: { key } }],
      ["PUT", host, { api_key: { key } }],
      ["PUT", host, {}],
      ["PUT", "/configs/default", { data: { api_key: { key } } }],
      ["DELETE", `${host}/api_key`, undefined],
    ] as const)
      expect((await ask("editor", method, url, body)).status, `${method} ${url}`).toBe(403);
    expect((await ask("admin", "PUT", `${host}/api_key.key`, { value: key })).status).toBe(200);
  });
});

describe("with versions", () => {
  test("an app is the same app", async () => {
    const made = await ask("editor", "POST", "/configs", { name: "v", data: { n: 1 }, message: "first" });
    expect(made).toMatchObject({ status: 201, body: { name: "v", version: 1, data: { n: 1 }, schema: null } });
    await ask("editor", "PUT", "/api/apps/v/config/n", { value: 2 });
    const next = await ask(
      "editor",
      "PUT",
      "/configs/v",
      { data: { n: 3 }, schema: { maxProperties: 1 } },
      { "if-match": '"2"' },
    );
    expect(next).toMatchObject({ status: 200, etag: '"3"', body: { version: 3 } });
    expect(await ask("editor", "PUT", "/configs/v", { data: { n: 3, m: 1 } })).toMatchObject({ status: 422 });
    expect((await ask("viewer", "GET", "/configs/v?version=2")).body).toMatchObject({ data: { n: 2 }, schema: null });
    expect(await ask("viewer", "GET", "/configs/v?version=9")).toMatchObject({ status: 404 });
    const { versions } = (await ask("viewer", "GET", "/configs/v/versions?limit=2")).body;
    expect(versions.map((one: { version: number }) => one.version)).toEqual([3, 2]);
    expect(await ask("editor", "POST", "/configs", { name: "v" })).toMatchObject({ status: 409 });
  });
});

test("what is done is on record, with the keys and the reason", async () => {
  await ask("editor", "PUT", `${shop}/web.port?message=why`, { value: 1 });
  await ask("viewer", "PUT", `${shop}/web.port`, { value: 1 });
  await ask("editor", "POST", "/api/apps/new", {});
  await ask("editor", "DELETE", "/api/apps/new");
  await ask("operator", "POST", "/api/apps/shop/reload");
  expect(api.acts.map(({ what, app, keys, why, outcome }) => [what, app, keys, why, outcome])).toEqual([
    ["change", "shop", ["web.port"], "why", "done"],
    ["change", "shop", undefined, undefined, "refused"],
    ["app.create", "new", undefined, "make the app new", "done"],
    ["app.remove", "new", undefined, "remove the app new", "done"],
    ["look", "shop", undefined, undefined, "done"],
  ]);
});
