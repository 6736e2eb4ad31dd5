import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { ApiApp } from "../../../src/api/http/parts.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { createBed, createInjected, forgetKnown, planted, user } from "../api/http-bed.ts";

afterAll(forgetKnown);

let api: Awaited<ReturnType<typeof createInjected>>;
beforeEach(async () => {
  api = await createInjected();
});

type Method = "GET" | "PUT" | "POST" | "DELETE";
const local = { "test-local": "yes" };

async function ask(method: Method, url: string, body?: object, headers: Record<string, string> = local) {
  const payload = body === undefined ? {} : { payload: body };
  return api.server.inject({ method, url: `/api/v1${url}`, headers, remoteAddress: "192.0.2.7", ...payload });
}

const owner = { name: "owner", kind: "local" };

describe("on record is", () => {
  test("a change, with its revision and keys, and never a value", async () => {
    const body = { gitea: { user_pwd: `new-${planted}`, http_port: "3001" } };
    await ask("PUT", "/settings?message=moved", body, api.keyOf("editor"));
    expect(api.acts).toEqual([
      {
        who: { name: "editor", kind: "key" },
        from: "192.0.2.7",
        what: "change",
        why: "moved",
        request: expect.stringMatching(/^[0-9a-f-]{36}$/),
        app: "default",
        revision: 2,
        keys: ["gitea.http_port", "gitea.user_pwd"],
        outcome: "done",
      },
    ]);
    expect(JSON.stringify(api.acts)).not.toContain(planted);
  });

  test.each([
    ["a rollback", "POST", "/settings/rollback", { to: 1 }, { what: "rollback", why: "roll back to revision 1" }],
    ["an apply", "POST", "/apply", {}, { what: "apply" }],
    ["a reload", "POST", "/services/gitea/reload", undefined, { what: "reload", target: "gitea" }],
    ["a retry", "POST", "/services/gitea/retry", undefined, { what: "retry", target: "gitea" }],
    ["a look", "POST", "/settings/reload", undefined, { what: "look" }],
    ["secrets that were shown", "GET", "/settings?reveal=true", undefined, { what: "reveal" }],
    ["a section of them", "GET", "/settings/gitea?reveal=true", undefined, { what: "reveal", keys: ["gitea"] }],
    ["one of them", "GET", "/settings/web/port?reveal=true", undefined, { what: "reveal", keys: ["web.port"] }],
    ["one of before", "GET", "/settings/history/1?reveal=true", undefined, { what: "reveal" }],
    ["a login", "POST", "/login", user, { what: "login", who: { name: "ann", kind: "user" } }],
  ] as const)("%s", async (_, method, url, body, act) => {
    expect((await ask(method, url, body)).statusCode).toBeLessThan(300);
    expect(api.acts).toMatchObject([{ who: owner, from: "control socket", outcome: "done", ...act }]);
  });

  test("a wrong password, but no name that nobody has", async () => {
    await ask("POST", "/login", { ...user, password: "wrong" });
    await ask("POST", "/login", { user: `my-${planted}`, password: "wrong" });
    const refused = { what: "login", outcome: "refused", code: "UNAUTHENTICATED" };
    expect(api.acts).toMatchObject([
      { ...refused, who: { name: "ann" } },
      { ...refused, who: { name: "unknown" } },
    ]);
    expect(JSON.stringify(api.acts)).not.toContain(planted);
  });

  test.each([
    ["a right that is missing", "PUT", "/settings/web/port", { value: "1" }, "viewer", "FORBIDDEN", ["web.port"]],
    [
      "a section that is out of reach",
      "PUT",
      "/settings",
      { gitea: { a: "1" } },
      "narrow-editor",
      "FORBIDDEN",
      ["gitea.a"],
    ],
    ["a value that is no good", "PUT", "/settings/web/port", { value: {} }, "editor", "REQUEST_INVALID", ["web.port"]],
    ["a protected source", "PUT", "/settings/max_apps/key", { value: "9" }, "editor", "READ_ONLY", ["max_apps.key"]],
    [
      "a secret that is not for these eyes",
      "GET",
      "/settings/web?reveal=true",
      undefined,
      "viewer",
      "FORBIDDEN",
      ["web"],
    ],
  ] as const)("what was refused: %s", async (_, method, url, body, who, code, keys) => {
    const answer = await ask(method, url, body, api.keyOf(who));
    expect(api.acts).toMatchObject([{ outcome: "refused", code, keys, who: { name: who } }]);
    expect(answer.json().instance).toBe(`urn:uuid:${api.acts[0]?.request}`);
  });

  test("the reason of a refused change without what it was to set", async () => {
    const url = "/settings/max_apps/key?message=the-limit-is-third-secret";
    expect((await ask("PUT", url, { value: "third-secret" })).statusCode).toBe(403);
    expect(api.acts.map(({ why }) => why)).toEqual(["the-limit-is-[secret]"]);
  });

  test("a change that came to nothing after all: as it was begun, and as it ended", async () => {
    const bed = await createBed();
    const change: ApiApp["change"] = async ({ author, message, witness }) => {
      await witness?.({ revision: { number: 2, parent: 1, at: 1, hash: "", author, message }, changes: [] });
      throw new ConfigSyncError("REVISION_MOVED", "somebody edited config.ini in this very moment");
    };
    api = await createInjected({ ...bed, parts: { ...bed.parts, app: () => ({ ...bed.app, change }) } });
    expect((await ask("PUT", "/settings/web/port", { value: "1" })).statusCode).toBe(412);
    const act = { what: "change", revision: 2, who: owner, request: api.acts[0]?.request };
    expect(api.acts).toMatchObject([
      { ...act, outcome: "done" },
      { ...act, outcome: "refused", code: "REVISION_MOVED" },
    ]);
  });

  test("nothing where nothing was asked for or done", async () => {
    await ask("GET", "/settings/gitea");
    await ask("GET", "/settings/gitea?reveal=false");
    await ask("PUT", "/settings/web/port", { value: "1" }, { "x-api-key": "nobody's" });
    await ask("POST", "/plan");
    await ask("POST", "/settings/validate", {});
    expect(api.acts).toEqual([]);
  });

  test("a change once, however often it is sent with the same Idempotency-Key", async () => {
    for (let time = 0; time < 3; time++)
      await ask("PUT", "/settings/web/port", { value: "1" }, { ...local, "idempotency-key": "one" });
    expect(api.acts).toHaveLength(1);
  });
});

describe("what cannot be put on record", () => {
  beforeEach(async () => {
    const append = async (): Promise<never> => {
      throw new ConfigSyncError("WRITE_FAILED", "the disk is full");
    };
    api = await createInjected(await createBed({ audit: { append, list: () => [] } }));
  });

  test.each([
    ["PUT", "/settings/web/port", { value: "1" }],
    ["GET", "/settings/gitea?reveal=true", undefined],
    ["GET", "/settings?reveal=true", undefined],
    ["POST", "/login", user],
  ] as const)("is not answered as done: %s %s", async (method, url, body) => {
    const answer = await ask(method, url, body);
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ code: "WRITE_FAILED", detail: expect.stringContaining("this was done") });
    expect(answer.body).not.toContain(planted);
  });

  test("stays refused where it was, and the log is told", async () => {
    expect((await ask("PUT", "/settings/web/port", { value: "1" }, api.keyOf("viewer"))).statusCode).toBe(403);
    expect(api.notes).toContainEqual({ type: "trouble", text: "the disk is full" });
  });
});

describe("GET /audit", () => {
  test("tells an admin of everything", async () => {
    await ask("PUT", "/settings/web/port", { value: "1" });
    const answer = await ask("GET", "/audit?from=2h&to=2027-01-01&actor=owner&path=web&limit=5");
    expect(answer.json()).toMatchObject({ entries: [{ seq: 1, what: "change", keys: ["web.port"] }] });
  });

  test.each(["narrow-admin", "stranger", "editor"] as const)("tells %s nothing", async (who) => {
    expect((await ask("GET", "/audit", undefined, api.keyOf(who))).statusCode).toBe(403);
  });

  test("says what is no time", async () => {
    const answer = await ask("GET", "/audit?from=soon");
    expect(answer.json()).toMatchObject({ code: "VALUE_INVALID", detail: "from is not a time" });
  });
});
