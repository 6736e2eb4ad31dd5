import { fastify } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAllowed, type Right } from "../../../src/access/principal.ts";
import { enforceRights } from "../../../src/api/http/authorize.ts";
import { createRecent } from "../../../src/api/http/recent.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { createBed, createInjected, forgetKnown, grants, user, type Who, whoIsKnown } from "./http-bed.ts";

afterAll(forgetKnown);

let api: Awaited<ReturnType<typeof createInjected>>;

beforeAll(async () => {
  api = await createInjected();
});

type Method = "HEAD" | "GET" | "PUT" | "POST" | "DELETE";

/** Every route with the right that it takes, written by hand: who changes one has to say so twice. */
const table: readonly (readonly [Method, string, Right | "nobody", body?: object])[] = [
  ["GET", "/health", "nobody"],
  ["GET", "/ready", "nobody"],
  ["GET", "/metrics", "read"],
  ["GET", "/api/v1/settings", "read"],
  ["PUT", "/api/v1/settings", "write", { web: { port: "1" } }],
  ["GET", "/api/v1/settings/web", "read"],
  ["PUT", "/api/v1/settings/web", "write", { port: "1" }],
  ["DELETE", "/api/v1/settings/nope", "write"],
  ["GET", "/api/v1/settings/web/port", "read"],
  ["PUT", "/api/v1/settings/web/port", "write", { value: "1" }],
  ["DELETE", "/api/v1/settings/web/nope", "write"],
  ["POST", "/api/v1/settings/reload", "operate"],
  ["POST", "/api/v1/settings/validate", "operate", {}],
  ["POST", "/api/v1/settings/rollback", "write", { to: 1, section: "web" }],
  ["POST", "/api/v1/settings/seal", "administer", { which: "clear" }],
  ["POST", "/api/v1/seal", "administer", { which: "clear" }],
  ["GET", "/api/v1/environment", "read"],
  ["GET", "/api/v1/environment/TZ", "read"],
  ["PUT", "/api/v1/environment/TZ", "write", { value: "UTC" }],
  ["DELETE", "/api/v1/environment/TZ", "write"],
  ["GET", "/api/v1/mappings", "read"],
  ["GET", "/api/v1/mappings/TZ", "read"],
  ["PUT", "/api/v1/mappings/TZ", "write", { from: "web.port" }],
  ["DELETE", "/api/v1/mappings/TZ", "write"],
  ["GET", "/api/v1/settings/history", "read"],
  ["GET", "/api/v1/settings/history/1", "read"],
  ["GET", "/api/v1/settings/diff?from=1&to=1", "read"],
  ["POST", "/api/v1/plan", "operate"],
  ["POST", "/api/v1/apply", "operate", {}],
  ["GET", "/api/v1/services", "read"],
  ["GET", "/api/v1/services/gitea", "read"],
  ["POST", "/api/v1/services/gitea/reload", "operate"],
  ["POST", "/api/v1/services/gitea/retry", "operate"],
  ["GET", "/api/v1/status", "read"],
  ["GET", "/api/v1/explain/web.port", "read"],
  ["GET", "/api/v1/audit", "administer"],
  ["GET", "/api/apps", "read"],
  ["POST", "/api/apps/shop", "write", {}],
  ["DELETE", "/api/apps/nope", "write"],
  ["GET", "/api/apps/shop/config", "read"],
  ["POST", "/api/apps/shop/config", "write", { web: { port: 1 } }],
  ["PUT", "/api/apps/shop/config", "write", { web: { port: 1 } }],
  ["GET", "/api/apps/shop/config/web.port", "read"],
  ["POST", "/api/apps/shop/config/web.port", "write", { value: 1 }],
  ["PUT", "/api/apps/shop/config/web.port", "write", { value: 1 }],
  ["DELETE", "/api/apps/shop/config/web.nope", "write"],
  ["GET", "/api/apps/shop/config/web/port", "read"],
  ["POST", "/api/apps/shop/config/web/port", "write", { value: 1 }],
  ["PUT", "/api/apps/shop/config/web/port", "write", { value: 1 }],
  ["DELETE", "/api/apps/shop/config/web/nope", "write"],
  ["POST", "/api/apps/shop/reload", "operate"],
  ["POST", "/api/apps/shop/validate", "operate", {}],
  ["POST", "/configs", "write", { name: "shop" }],
  ["GET", "/configs/shop", "read"],
  ["PUT", "/configs/shop", "write", { data: {} }],
  ["GET", "/configs/shop/versions", "read"],
  ["GET", "/ws/default", "read"],
  // The user may be logged in so many times, and no more: what needs him comes before.
  ["POST", "/api/v1/login", "nobody", user],
  ["POST", "/api/v1/refresh", "nobody", { refresh: "none" }],
  ["POST", "/api/v1/logout", "nobody", { refresh: "none" }],
  ["POST", "/login", "nobody", { username: user.user, password: user.password }],
  ["GET", "/api/settings", "read"],
  ["GET", "/api/settings/web", "read"],
  ["PUT", "/api/settings/web?key=port&value=1", "write"],
  ["GET", "/openapi.json", "nobody"],
  ["GET", "/docs", "nobody"],
  ["GET", "/docs/start.js", "nobody"],
  ["GET", "/docs/swagger-ui.css", "nobody"],
  ["GET", "/docs/swagger-ui-bundle.js", "nobody"],
];

/** An open answer: the other tests have it. */
const streams = ["GET /api/v1/events"];

async function ask(method: Method, url: string, headers: Record<string, string>, body?: object, from = "127.0.0.1") {
  const payload = body === undefined ? {} : { payload: body };
  return api.server.inject({ method, url, headers, remoteAddress: from, ...payload });
}

test("the table has every route", async () => {
  const { paths } = (await ask("GET", "/openapi.json", {})).json() as { paths: Record<string, object> };
  const pattern = (path: string) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
  const declared = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
  const tried = table.map(([method, url]) => ({ method, path: url.split("?")[0] ?? "" }));
  const missing = declared.filter(
    ({ method, path }) =>
      !streams.includes(`${method} ${path}`) &&
      !tried.some((one) => one.method === method && pattern(path).test(one.path)),
  );
  expect(missing).toEqual([]);
});

const routes = table.flatMap(([method, url, right, body]) => {
  const route = { method, url, right, body };
  return method === "GET" && !url.startsWith("/ws/") ? [route, { ...route, method: "HEAD" as const }] : [route];
});

describe.each(routes)("$method $url", ({ method, url, right, body }) => {
  const classic = url.startsWith("/api/settings");
  const refused = classic ? 400 : 401;
  const whole: readonly Who[] = ["viewer", "operator", "editor", "admin"];

  test.each(whole)("answers a %s by the role", async (who) => {
    const { statusCode } = await ask(method, url, api.keyOf(who), body);
    const grant = grants[who];
    const allowed = right === "nobody" || isAllowed({ name: who, kind: "key", grant }, right);
    expect(statusCode === 403).toBe(!allowed);
    if (right !== "nobody") expect(statusCode).not.toBe(401);
  });

  test("is closed to one who has rights on another app only", async () => {
    const { statusCode } = await ask(method, url, api.keyOf("stranger"), body);
    // What is about all apps is done for his.
    expect(statusCode === 403).toBe(right !== "nobody" && !["/api/apps", "/api/v1/seal"].includes(url));
  });

  test("is closed to him, too, where his app stands in the query of what is about another", async () => {
    const { pathname } = new URL(url, "http://h");
    const { statusCode } = await ask(method, `${pathname}?app=other`, api.keyOf("stranger"), body);
    // By that name there are no sections of settings.
    if (takesApp(url)) expect([400, 403, 404]).toContain(statusCode);
    else expect(statusCode === 403).toBe(right !== "nobody" && !["/api/apps", "/api/v1/seal"].includes(url));
  });

  const tokens: readonly (readonly [string, () => Promise<Record<string, string>>])[] = [
    ["nothing", async () => ({})],
    ["an empty key", async () => ({ "x-api-key": "" })],
    ["a wrong key", async () => ({ "x-api-key": `${api.keyOf("admin")["x-api-key"].slice(0, -1)}x` })],
    ["a token that is over", async () => bearer(await api.tokenOf({ ago: 3600_000 }))],
    ["a token of the future", async () => bearer(await api.tokenOf({ ago: -3600_000 }))],
    ["a forged token", async () => bearer(await api.tokenOf({ secret: "ab".repeat(32) }))],
    ["a token with another body", async () => bearer(withBody(await api.tokenOf({}), { sub: "admin" }))],
    ["a token without a signature", async () => bearer(withoutSignature(await api.tokenOf({})))],
    ["a token with alg:none", async () => bearer(withAlg(await api.tokenOf({}), "none"))],
    ["a token with alg:None", async () => bearer(withAlg(await api.tokenOf({}), "None"))],
    ["a token as Basic", async () => ({ authorization: `Basic ${await api.tokenOf({})}` })],
  ];

  test.each(tokens)("is closed to %s", async (_what, make) => {
    // Wrong keys slow an address down, which is tested elsewhere: each comes from another one.
    const answer = await ask(method, url, await make(), body, `10.0.${++addresses >> 8}.${addresses & 255}`);
    if (right === "nobody") expect(answer.statusCode).not.toBe(403);
    else expect(answer.statusCode).toBe(refused);
  });

  test("is open to the token of a user by the role, and to the owner of the socket", async () => {
    // The body of this one is itself what is shown, and no good.
    if (url.endsWith("/refresh")) return;
    const { statusCode } = await ask(method, url, bearer(await api.tokenOf({})), body);
    expect(statusCode).not.toBe(401);
    // The user is an editor.
    expect(statusCode === 403).toBe(right === "administer");
    const local = await ask(method, url, { "test-local": "yes" }, body);
    expect([401, 403]).not.toContain(local.statusCode);
  });
});

let addresses = 0;

/** The routes that have `?app=`. */
function takesApp(url: string): boolean {
  return /^\/api\/v1\/(settings|environment|mappings)\b/.test(url);
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function withBody(token: string, claims: object): string {
  const [head, body = "", signature] = token.split(".");
  const said = JSON.parse(Buffer.from(body, "base64url").toString());
  return [head, Buffer.from(JSON.stringify({ ...said, ...claims })).toString("base64url"), signature].join(".");
}

function withAlg(token: string, alg: string): string {
  const head = Buffer.from(JSON.stringify({ alg, typ: "JWT" })).toString("base64url");
  return `${head}.${token.split(".")[1]}.`;
}

function withoutSignature(token: string): string {
  return `${token.slice(0, token.lastIndexOf("."))}.`;
}

describe("a route", () => {
  test("that names no right is refused when it is made", async () => {
    const { access } = await whoIsKnown();
    const server = fastify();
    enforceRights(server, { access, owner: "owner", recent: createRecent() });
    expect(() => server.get("/open", async () => "secrets")).toThrow("does not say who may use it");
  });
});

test("nobody is asked for his key twice", async () => {
  let asked = 0;
  const bed = await createBed();
  const authenticate: typeof bed.parts.access.authenticate = (credentials) => {
    asked++;
    return bed.parts.access.authenticate(credentials);
  };
  const parts = { ...bed.parts, access: { ...bed.parts.access, authenticate } };
  const { server, keyOf } = await createInjected({ ...bed, parts });
  for (const method of ["GET", "HEAD"] as const)
    await server.inject({ method, url: "/api/v1/settings/web", headers: keyOf("viewer") });
  expect(asked).toBe(2);
});

describe("a grant on one section", () => {
  const get = async (url: string, who: Who) => (await ask("GET", url, api.keyOf(who))).json();

  test("shows of everything that section only", async () => {
    api = await createInjected();
    expect(await get("/api/v1/settings", "narrow-viewer")).toEqual({ web: { port: "8080" } });
    expect(await get("/api/settings", "narrow-viewer")).toEqual({ web: { port: 8080 } });
    expect(await get("/api/v1/settings/gitea", "narrow-viewer")).toMatchObject({ status: 403 });
    expect(await get("/api/v1/settings/nope", "narrow-viewer")).toMatchObject({ status: 403 });
    expect(await get("/api/v1/settings/gitea/http_port", "narrow-viewer")).toMatchObject({ status: 403 });
    expect(await get("/api/v1/explain/gitea.http_port", "narrow-viewer")).toMatchObject({ status: 403 });
    expect(await get("/api/v1/explain/web.port", "narrow-viewer")).toMatchObject([{ key: "web.port", usedBy: [] }]);
    expect((await get("/api/v1/settings/history/1", "narrow-viewer")).settings).toEqual({ web: { port: "8080" } });
    expect(await get("/api/v1/settings/history/1?reveal=true", "narrow-admin")).toMatchObject({ status: 403 });
    expect((await get("/api/v1/settings/history", "narrow-viewer")).revisions[0].message).toBe("");
    expect((await get("/api/v1/status", "narrow-viewer")).services).toEqual([]);
    expect(await get("/metrics", "narrow-viewer")).toMatchObject({ status: 403 });
  });

  test("hears that the sources cannot be used, and not what else stands in them", async () => {
    const bed = await createBed();
    const refuse = async () => {
      throw new ConfigSyncError("SOURCE_INVALID", 'key "token" stands twice in [gitea]', {
        place: { file: "config.ini", line: 3 },
        hint: "Remove one of them",
      });
    };
    const { server, keyOf } = await createInjected({ ...bed, parts: { ...bed.parts, explain: refuse, plan: refuse } });
    const explain = async (who: Who) =>
      (await server.inject({ method: "GET", url: "/api/v1/explain/web.port", headers: keyOf(who) })).json();
    const planned = await server.inject({ method: "POST", url: "/api/v1/plan", headers: keyOf("narrow-admin") });
    const told = JSON.stringify([await explain("narrow-viewer"), planned.json()]);
    expect(told).toContain("SOURCE_INVALID");
    expect(told).not.toMatch(/gitea|token|line|hint/);
    expect(await explain("viewer")).toMatchObject({ file: "config.ini", line: 3 });
  });

  test("changes that section only, and never a part of a batch", async () => {
    const put = async (url: string, body: object) => ask("PUT", url, api.keyOf("narrow-editor"), body);
    expect((await put("/api/v1/settings/web", { port: "1" })).statusCode).toBe(200);
    expect((await put("/api/v1/settings/gitea", { http_port: "1" })).statusCode).toBe(403);
    expect((await put("/api/v1/settings", { web: { port: "2" }, gitea: { http_port: "1" } })).statusCode).toBe(403);
    expect((await put("/api/settings/gitea?key=http_port&value=1", {})).statusCode).toBe(403);
    expect(await get("/api/v1/settings/web", "viewer")).toEqual({ port: "1" });
    const back = (body: object) => ask("POST", "/api/v1/settings/rollback", api.keyOf("narrow-editor"), body);
    expect((await back({ to: 1 })).statusCode).toBe(403);
    expect((await back({ to: 1, section: "gitea" })).statusCode).toBe(403);
  });

  test("is told that a change was refused, and nothing of values that it does not reach", async () => {
    const bed = await createBed();
    const change = async (): Promise<never> => {
      throw new ConfigSyncError("VALUE_INVALID", "web.port is taken by gitea.http_port", { key: "web.port" });
    };
    const app = { ...bed.app, change };
    const { server, keyOf } = await createInjected({ ...bed, app, parts: { ...bed.parts, app: () => app } });
    const put = (who: Who) =>
      server.inject({ method: "PUT", url: "/api/v1/settings/web", headers: keyOf(who), payload: { port: "3000" } });
    expect((await put("editor")).json().detail).toBe("web.port is taken by gitea.http_port");
    const told = await put("narrow-editor");
    expect([told.statusCode, told.json().code]).toEqual([422, "VALUE_INVALID"]);
    expect(told.body).not.toContain("gitea");
  });

  test("does not reach what is about all services", async () => {
    for (const url of ["/api/v1/apply", "/api/v1/services/gitea/reload"]) {
      const { statusCode } = await ask("POST", url, api.keyOf("narrow-admin"), {});
      expect([403, 404]).toContain(statusCode);
    }
    const plan = await ask("POST", "/api/v1/plan", api.keyOf("narrow-admin"));
    expect(plan.json().services).toEqual([]);
  });

  test("does not reveal beyond it", async () => {
    expect(await get("/api/v1/settings?reveal=true", "narrow-admin")).toEqual({ web: { port: expect.any(String) } });
    expect(await get("/api/v1/settings/gitea?reveal=true", "narrow-admin")).toMatchObject({ status: 403 });
  });
});

describe("the way back", () => {
  test("takes an admin where it brings another key to the API back", async () => {
    api = await createInjected();
    const body = { value: "another key that is long enough" };
    expect((await ask("PUT", "/api/v1/settings/api_key/key", api.keyOf("editor"), body)).statusCode).toBe(403);
    expect((await ask("PUT", "/api/v1/settings/api_key/key", api.keyOf("admin"), body)).statusCode).toBe(200);
    const back = (who: Who) => ask("POST", "/api/v1/settings/rollback", api.keyOf(who), { to: 1 });
    expect((await back("editor")).statusCode).toBe(403);
    expect((await back("admin")).statusCode).toBe(200);
  });
});

describe("users", () => {
  test("log in, go on, and are out", async () => {
    // From an address of its own: wrong tokens of other tests count for theirs.
    const post = async (path: string, body: object) => ask("POST", `/api/v1/${path}`, {}, body, "192.0.2.99");
    const first = (await post("login", user)).json();
    expect((await ask("GET", "/api/v1/status", bearer(first.access))).statusCode).toBe(200);
    const second = (await post("refresh", { refresh: first.refresh })).json();
    expect((await post("logout", { refresh: second.refresh })).statusCode).toBe(204);
    expect((await ask("GET", "/api/v1/status", bearer(second.access))).statusCode).toBe(401);
    expect((await post("refresh", { refresh: second.refresh })).statusCode).toBe(401);
  });

  test("are told nothing of why a login fails, and to wait after some", async () => {
    const answers = [];
    for (let round = 0; round < 20; round++)
      answers.push(await ask("POST", "/api/v1/login", {}, { user: "bob", password: "wrong" }));
    expect(answers[0]?.json()).toMatchObject({ status: 401, code: "UNAUTHENTICATED" });
    expect(answers[0]?.headers["www-authenticate"]).toContain("Bearer");
    const last = answers.at(-1);
    expect(last?.json()).toMatchObject({ status: 429, code: "TOO_MANY_REQUESTS" });
    expect(Number(last?.headers["retry-after"])).toBeGreaterThan(0);
  });
});
