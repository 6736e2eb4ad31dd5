import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { defaultLimits } from "../../../src/api/http/parts.ts";
import type { ServiceState } from "../../../src/sync/status.ts";
import { createBed, createInjected, forgetKnown, planted, type Who } from "./http-bed.ts";

afterAll(forgetKnown);

let api: Awaited<ReturnType<typeof createInjected>>;

beforeEach(async () => {
  api = await createInjected();
});

interface Asked {
  readonly as?: Who;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function ask(
  method: "GET" | "PUT" | "POST" | "DELETE",
  url: string,
  { as = "admin", body, headers }: Asked = {},
) {
  const payload = body === undefined ? {} : { payload: body as object };
  const answer = await api.server.inject({ method, url, headers: { ...api.keyOf(as), ...headers }, ...payload });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: parse(answer.body) };
}

function parse(text: string) {
  return /^[{[]/.test(text) ? JSON.parse(text) : undefined;
}

const values = "/api/v1/settings";

describe("reading values", () => {
  test("gives sections, a section, a value with its place, and the head revision as ETag", async () => {
    const all = await ask("GET", values);
    expect(all.body).toMatchObject({ web: { port: "8080" }, max_apps: { key: "2" } });
    expect(all.headers.etag).toBe('"1"');
    expect((await ask("GET", `${values}/web`)).body).toEqual({ port: "8080" });
    expect((await ask("GET", `${values}/web/port`)).body).toEqual({
      value: "8080",
      secret: false,
      writable: true,
      source: "config.ini",
      file: "config.ini",
      line: 8,
      column: 8,
    });
    expect((await ask("GET", `${values}/max_apps/key`)).body).toMatchObject({ writable: false, source: "system.ini" });
  });

  test.each([
    `${values}`,
    `${values}/gitea`,
    `${values}/gitea/user_pwd`,
    `${values}/gitea/base_url`,
    `${values}/history/1`,
    `${values}/diff?from=1&to=2`,
    "/api/settings",
    "/api/settings/api_key",
    "/api/v1/explain/gitea",
    "/api/v1/status",
    "/metrics",
  ])("shows no secret at %s unless it is asked for", async (url) => {
    await ask("PUT", `${values}/gitea/user_pwd`, { body: { value: `other-${planted}` } });
    const { status, text } = await ask("GET", url);
    expect(status).toBe(200);
    expect(text).not.toContain(planted);
  });

  test("shows a secret to who may administer and asks for it", async () => {
    expect((await ask("GET", `${values}/gitea?reveal=true`)).body.user_pwd).toContain(planted);
    expect((await ask("GET", `${values}/gitea/user_pwd?reveal=true`)).body.value).toContain(planted);
    expect((await ask("GET", `${values}/history/1?reveal=true`)).body.documents[0].text).toContain(planted);
    for (const url of [values, `${values}/gitea`, `${values}/gitea/user_pwd`, `${values}/history/1`])
      expect(await ask("GET", `${url}?reveal=true`, { as: "editor" })).toMatchObject({ status: 403 });
  });

  test.each([
    ["/nope", 404, "NOT_FOUND"],
    ["/web/nope", 404, "NOT_FOUND"],
    ["/web/constructor", 404, "NOT_FOUND"],
    ["/__proto__", 404, "NOT_FOUND"],
    ["?app=other", 404, "NOT_FOUND"],
    ["?reveal=yes", 400, "REQUEST_INVALID"],
    ["?wait=healthy", 400, "REQUEST_INVALID"],
    ["/history/99", 404, "NOT_FOUND"],
    ["/history/x", 400, "REQUEST_INVALID"],
    ["/%00", 400, "REQUEST_INVALID"],
    ["/%zz", 400, "REQUEST_INVALID"],
  ])("refuses %s with %s as a problem", async (url, status, code) => {
    const answer = await ask("GET", `${values}${url}`);
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(answer.body).toMatchObject({ status, code, type: `urn:config-sync:error:${code}` });
    expect(answer.body.instance).toMatch(/^urn:uuid:/);
    expect(answer.status).toBe(status);
  });
});

test("what no route answers is told of without its path", async () => {
  expect((await ask("GET", `/api/v1/${planted}`)).status).toBe(404);
  expect(await ask("PATCH" as "PUT", `${values}/web`)).toMatchObject({
    status: 405,
    headers: { allow: "DELETE, GET, HEAD, PUT" },
  });
  expect(api.notes).toMatchObject([
    { route: "*", status: 404 },
    { route: "*", status: 405 },
  ]);
  expect(JSON.stringify(api.notes)).not.toContain(planted);
});

describe("changing values", () => {
  test("makes one revision of a batch over sections, by whom and why", async () => {
    const body = { gitea: { http_port: 3001, base_url: null }, web: { port: "8081" } };
    const answer = await ask("PUT", `${values}?message=moved`, { as: "editor", body });
    expect(answer.body.revision).toMatchObject({ number: 2, author: "editor", message: "moved" });
    expect(answer.body.changes.map(({ key }: { key: string }) => key)).toEqual([
      "gitea.http_port",
      "web.port",
      "gitea.base_url",
    ]);
    expect(answer.headers.etag).toBe('"2"');
    expect(answer.text).not.toContain(planted);
    expect((await ask("GET", `${values}/gitea`)).body).toEqual({ http_port: "3001", user_pwd: "[secret]" });
  });

  test("says in the history what was set where nobody says why, and never a value", async () => {
    await ask("PUT", `${values}/gitea`, { body: { http_port: "4711", user_pwd: null } });
    const [revision] = (await ask("GET", `${values}/history`)).body.revisions;
    expect(revision).toMatchObject({ message: "set gitea.http_port, remove gitea.user_pwd" });
  });

  test("removes a key and a section, and says where there is none", async () => {
    expect((await ask("DELETE", `${values}/web/port`)).status).toBe(200);
    expect((await ask("DELETE", `${values}/web/port`)).status).toBe(404);
    expect((await ask("DELETE", `${values}/gitea`)).status).toBe(200);
    expect((await ask("GET", `${values}/gitea`)).status).toBe(404);
  });

  test("leaves a section alone whose name is a word of a route", async () => {
    await ask("PUT", values, { body: { history: { depth: "1" }, web: { port: "1" } } });
    expect((await ask("GET", values)).body.history).toEqual({ depth: "1" });
    await ask("PUT", `${values}/history/depth`, { body: { value: "2" } });
    expect((await ask("GET", values)).body.history).toEqual({ depth: "2" });
  });

  test("never writes what is protected", async () => {
    const answer = await ask("PUT", values, { body: { max_apps: { key: "3" }, web: { port: "1" } } });
    expect(answer.body).toMatchObject({ status: 403, code: "READ_ONLY", key: "max_apps.key" });
    expect(answer.body.detail).toContain("system.ini");
    expect((await ask("GET", `${values}/web/port`)).body.value).toBe("8080");
  });

  test("does not take the mask for the value", async () => {
    for (const body of [
      { user_pwd: "[secret]" },
      { base_url: "http://bot:[secret]@git.example.com/" },
      { base_url: "http://bot:[secret]@another.example.com/" },
      { renamed_pwd: "[secret]" },
    ]) {
      expect((await ask("PUT", `${values}/gitea`, { body })).body).toMatchObject({
        status: 422,
        code: "VALUE_INVALID",
      });
    }
    const plain = { body: { port: "a [secret] in words" } };
    expect((await ask("PUT", `${values}/web`, plain)).status).toBe(200);
  });

  test("takes nothing while the settings say read-only, and says why", async () => {
    api = await createInjected(undefined, { readOnly: "changes are made in git" });
    const answer = await ask("PUT", `${values}/web/port`, { body: { value: "1" } });
    expect(answer.body).toMatchObject({ status: 403, code: "READ_ONLY", detail: "changes are made in git" });
    expect((await ask("POST", `${values}/rollback`, { body: { to: 1 } })).status).toBe(403);
    expect((await ask("PUT", "/api/settings/web?key=port&value=1")).status).toBe(403);
    expect((await ask("GET", `${values}/web/port`)).body.value).toBe("8080");
  });

  test.each([
    ["a body that is no JSON", "{", 400],
    ["an array", "[]", 400],
    ["null", "null", 400],
    ["nothing", "{}", 400],
    ["a list as a value", '{"web":{"port":[1]}}', 400],
    ["a fraction", '{"web":{"port":1.5}}', 400],
    ["a prototype", '{"web":{"__proto__":{"a":"b"}}}', 400],
    ["a key with a line break", '{"web":{"a\\nb":"c"}}', 400],
  ])("refuses %s without a word of it", async (_what, payload, status) => {
    const headers = { ...api.keyOf("admin"), "content-type": "application/json" };
    const answer = await api.server.inject({ method: "PUT", url: values, headers, payload });
    expect([answer.statusCode, parse(answer.body).code]).toEqual([status, "REQUEST_INVALID"]);
    expect(api.app.current().head?.number).toBe(1);
  });

  test("quotes nothing of a body that it cannot read", async () => {
    const headers = { ...api.keyOf("admin"), "content-type": "application/json" };
    const payload = `{"gitea":{"user_pwd": ${planted}`;
    expect((await api.server.inject({ method: "PUT", url: values, headers, payload })).body).not.toContain(planted);
  });
});

describe("If-Match", () => {
  test.each([
    ['"1"', 200],
    ['"7", "1"', 200],
    ["*", 200],
    ['"2"', 412],
    ['W/"1"', 400],
    ["1", 400],
    ["", 400],
  ])("%s is answered with %s", async (tag, status) => {
    const asked = { body: { value: "1" }, headers: { "if-match": tag } };
    expect((await ask("PUT", `${values}/web/port`, asked)).status).toBe(status);
    expect(api.app.current().head?.number).toBe(status === 200 ? 2 : 1);
  });

  test("lets one of fifty writers at once win, and none is lost in fifty rounds", { timeout: 30_000 }, async () => {
    const add = async (): Promise<number> => {
      for (let rounds = 1; ; rounds++) {
        const read = await ask("GET", `${values}/web/port`);
        const body = { value: Number(read.body.value) + 1 };
        const headers = { "if-match": String(read.headers.etag) };
        const { status } = await ask("PUT", `${values}/web/port`, { body, headers });
        if (status === 200) return rounds;
        expect(status).toBe(412);
      }
    };
    const rounds = await Promise.all(Array.from({ length: 50 }, add));
    expect(Math.max(...rounds)).toBeGreaterThan(1);
    expect((await ask("GET", `${values}/web/port`)).body.value).toBe(`${8080 + 50}`);
    expect(api.app.current().head?.number).toBe(51);
  });
});

describe("Idempotency-Key", () => {
  const put = (value: string, key: string, over: Asked = {}) =>
    ask("PUT", `${values}/web/port`, { body: { value }, headers: { "idempotency-key": key }, ...over });

  test("gives the first answer again, and changes nothing again", async () => {
    const first = await put("1", "a");
    await put("2", "b");
    const again = await put("1", "a");
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({ etag: first.headers.etag, "idempotency-replayed": "true" });
    expect((await ask("GET", `${values}/web/port`)).body.value).toBe("2");
  });

  test("gives it also to those who ask at the same moment", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => put("1", "a")));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(api.app.current().head?.number).toBe(2);
  });

  test("refuses another request with the key, and knows people apart", async () => {
    await put("1", "a");
    expect((await put("2", "a")).body).toMatchObject({ status: 422, code: "VALUE_INVALID" });
    expect((await put("2", "a", { as: "editor" })).status).toBe(200);
  });

  test("also remembers a refusal, but not a fault", async () => {
    const tag = { "if-match": '"9"', "idempotency-key": "a" };
    expect((await put("1", "a", { headers: tag })).status).toBe(412);
    expect((await put("1", "a", { headers: tag })).headers["idempotency-replayed"]).toBe("true");
    const bed = await createBed();
    let faults = 0;
    const change: typeof bed.app.change = (request) => {
      if (faults++ === 0) throw new Error(`a bug with ${planted}`);
      return bed.app.change(request);
    };
    api = await createInjected({ ...bed, parts: { ...bed.parts, app: () => ({ ...bed.app, change }) } });
    const broken = await put("1", "a");
    expect(broken).toMatchObject({ status: 500, body: { code: "INTERNAL" } });
    expect(broken.text).not.toContain(planted);
    expect(bed.notes.find(({ type }) => type === "fault")).toMatchObject({ instance: broken.body.instance });
    expect((await put("1", "a")).status).toBe(200);
  });
});

describe("?wait=healthy", () => {
  const put = (query = "", key = "gitea/http_port") =>
    ask("PUT", `${values}/${key}?wait=healthy${query}`, { body: { value: "1" } });

  test("holds the answer until the services concerned are healthy, and says which these are", async () => {
    api.setState("gitea", "working");
    api.setState("proxy", "working");
    let answered = false;
    const asked = put().finally(() => {
      answered = true;
    });
    for (const service of ["gitea", "proxy"]) {
      await turns();
      expect(answered).toBe(false);
      move(service, "healthy");
    }
    const { status, body } = await asked;
    expect(status).toBe(200);
    expect(body.health).toMatchObject({ outcome: "healthy", services: [{ name: "gitea" }, { name: "proxy" }] });
  });

  test("says that a service went back", async () => {
    api.setState("gitea", "probing" as ServiceState);
    const asked = put("", "gitea/user_pwd");
    await turns();
    move("gitea", "rolled-back");
    const { body } = await asked;
    expect(body.health).toMatchObject({ outcome: "rolled-back", services: [{ name: "gitea" }] });
    expect(body.health.services).toHaveLength(1);
  });

  test("does not take the health on the revision before for that on this one", async () => {
    const bed = await createBed();
    const before = await bed.parts.status();
    let isTakenUp = false;
    const status = async () => (isTakenUp ? bed.parts.status() : before);
    api = await createInjected({ ...bed, parts: { ...bed.parts, status } });
    let answered = false;
    const asked = put().finally(() => {
      answered = true;
    });
    await turns();
    expect(answered).toBe(false);
    isTakenUp = true;
    move("gitea", "healthy");
    expect((await asked).body.health.outcome).toBe("healthy");
  });

  test("answers 202 when the time is over", async () => {
    api.setState("gitea", "waiting");
    const { status, body } = await put("&timeout=20ms");
    expect([status, body.health.outcome]).toEqual([202, "unfinished"]);
  });

  test("answers as things stand when the server ends", async () => {
    api.setState("gitea", "working");
    const asked = put();
    await turns();
    api.stop();
    expect((await asked).status).toBe(202);
  });

  test.each(["10", "-1s", "soon"])("refuses the time %s", async (timeout) => {
    expect((await put(`&timeout=${timeout}`)).status).toBe(400);
  });

  function move(service: string, state: ServiceState): void {
    api.setState(service, state);
    api.emit({ type: "service", service, step: "healthy", text: "" });
  }
});

/** Until all that can go on without an event has gone on. */
async function turns(): Promise<void> {
  for (let round = 0; round < 20; round++) await turn();
}

describe("history", () => {
  test("lists revisions newest first, in pages", async () => {
    for (const port of ["1", "2", "3"]) await ask("PUT", `${values}/web/port`, { body: { value: port } });
    const page = async (query: string) =>
      (await ask("GET", `${values}/history?${query}`)).body.revisions.map(({ number }: { number: number }) => number);
    expect(await page("limit=2")).toEqual([4, 3]);
    expect(await page("limit=2&before=3")).toEqual([2, 1]);
  });

  test("gives the documents of a revision byte for byte, and the way back is a new revision", async () => {
    const before = (await ask("GET", `${values}/history/1?reveal=true`)).body.documents;
    await ask("PUT", `${values}/web/port`, { body: { value: "1" } });
    expect((await ask("GET", `${values}/diff?from=1&to=2`)).body.changes).toMatchObject([
      { key: "web.port", before: "8080", after: "1" },
    ]);
    const back = await ask("POST", `${values}/rollback`, { body: { to: 1 }, headers: { "if-match": '"2"' } });
    expect(back.body.revision).toMatchObject({ number: 3, message: "roll back to revision 1" });
    expect((await ask("GET", `${values}/history/3?reveal=true`)).body.documents).toEqual(before);
  });
});

describe("work", () => {
  test("apply does what was planned, or nothing", async () => {
    const { hash } = (await ask("POST", "/api/v1/plan")).body;
    await ask("PUT", `${values}/web/port`, { body: { value: "1" } });
    expect((await ask("POST", "/api/v1/apply", { body: { hash } })).body).toMatchObject({
      status: 409,
      code: "PLAN_MOVED",
    });
    expect(api.called).toEqual([]);
    const { hash: now } = (await ask("POST", "/api/v1/plan")).body;
    const answer = await ask("POST", "/api/v1/apply", { body: { hash: now } });
    expect(answer.body).toMatchObject({ outcome: "healthy", services: [{ name: "gitea" }, { name: "proxy" }] });
    expect(api.called).toEqual(["apply"]);
  });

  test("apply sets the values that were planned, and no others", async () => {
    const settings = { web: { port: "9" } };
    const { hash } = (await ask("POST", "/api/v1/plan", { body: { settings } })).body;
    expect((await ask("GET", `${values}/web/port`)).body.value).toBe("8080");
    const other = await ask("POST", "/api/v1/apply", { body: { hash, settings: { web: { port: "10" } } } });
    expect(other.body).toMatchObject({ status: 409, code: "PLAN_MOVED" });
    const answer = await ask("POST", "/api/v1/apply", { body: { hash, settings, message: "as planned" } });
    expect(answer.body).toMatchObject({ outcome: "healthy", revision: { number: 2, message: "as planned" } });
    expect((await ask("GET", `${values}/web/port`)).body.value).toBe("9");
  });

  test("answers 202 when it takes longer than is waited for", async () => {
    api.setState("gitea", "working");
    const bed = { ...api, parts: { ...api.parts, reload: () => new Promise<void>(() => undefined) } };
    api = await createInjected(bed);
    const answer = await ask("POST", "/api/v1/services/gitea/reload?timeout=10ms");
    expect([answer.status, answer.body.outcome]).toEqual([202, "unfinished"]);
  });

  test("names the last event of the work, for who follows them", async () => {
    const bed = await createBed();
    const apply = async () => bed.emit({ type: "service", service: "gitea", step: "healthy", text: "" });
    api = await createInjected({ ...bed, parts: { ...bed.parts, apply } });
    const before = api.api.log.lastId();
    const answer = await ask("POST", "/api/v1/apply");
    expect(answer.headers["last-event-id"]).toBe(api.api.log.lastId());
    expect(api.api.log.since(before).events).toHaveLength(1);
  });

  test("is waited for as long as is allowed, and for as long as he likes by the owner", async () => {
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const parts = { ...api.parts, reload: () => done };
    api = await createInjected({ ...api, parts }, { limits: { ...defaultLimits, longestWait: 10 } });
    api.setState("gitea", "working");
    const url = "/api/v1/services/gitea/reload?timeout=10m";
    let answered = false;
    const owner = ask("POST", url, { headers: { "test-local": "yes" } }).finally(() => {
      answered = true;
    });
    expect((await ask("POST", url)).status).toBe(202);
    await turns();
    expect(answered).toBe(false);
    finish();
    await owner;
  });

  test("reloads and retries a service, and no other", async () => {
    expect((await ask("POST", "/api/v1/services/gitea/reload")).status).toBe(200);
    expect((await ask("POST", "/api/v1/services/gitea/retry")).status).toBe(200);
    expect((await ask("POST", "/api/v1/services/nope/retry")).status).toBe(404);
    expect(api.called).toEqual(["reload gitea", "retry gitea"]);
  });

  test("says what stands against values without setting them", async () => {
    const body = { gitea: { http_port: "bad" } };
    expect((await ask("POST", `${values}/validate`, { body })).body).toMatchObject({ ok: false, findings: [{}] });
    expect((await ask("POST", `${values}/validate`)).body).toEqual({ ok: true, findings: [] });
    expect(api.app.current().head?.number).toBe(1);
  });
});

describe("the API of before", () => {
  test("answers as it did", async () => {
    expect((await ask("GET", "/api/settings")).body.web).toEqual({ port: 8080 });
    expect((await ask("GET", "/api/settings/web")).body).toEqual({ port: "8080" });
    expect((await ask("PUT", "/api/settings/web?key=port&value=81")).body).toEqual({ port: "81" });
    expect(api.app.current().head).toMatchObject({ author: "admin", message: "set web.port" });
  });

  test.each([
    ["GET", "/nope", "Invalid Request", "Section:nope does not exist"],
    ["PUT", "/nope?key=a&value=b", "Invalid Request", "Section:nope does not exist"],
    ["PUT", "/web?key=nope&value=b", "Invalid Request", "Key:nope does not exist"],
    ["PUT", "/web?key=port", "Request Validation Error", expect.stringMatching(/^value: /)],
  ] as const)("refuses %s %s as it did", async (method, path, message, details) => {
    expect(await ask(method, `/api/settings${path}`)).toMatchObject({ status: 400, body: { message, details } });
  });

  test("asks for the key as it did", async () => {
    const get = async (headers: Record<string, string>) =>
      (await api.server.inject({ url: "/api/settings/web", headers })).json();
    expect(await get({})).toEqual({ message: "Invalid Request", details: "No API Key provided" });
    expect(await get({ "x-api-key": "wrong" })).toEqual({ message: "Invalid Request", details: "Invalid API Key" });
  });

  test("leaves no value in what is told of the request", async () => {
    await ask("PUT", `/api/settings/gitea?key=user_pwd&value=${planted}`);
    expect(JSON.stringify(api.notes)).not.toContain(planted);
    expect(api.notes).toContainEqual(expect.objectContaining({ method: "PUT", route: "/api/settings/:section" }));
  });
});
