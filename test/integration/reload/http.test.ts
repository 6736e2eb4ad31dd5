import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { reloadOf } from "../../../src/reload/index.ts";
import { actionContext, plantedSecret, startHungServer } from "../../support/action-context.ts";
import { startHttpService } from "../../support/http-service.ts";
import { leash } from "../../support/leash.ts";
import { reloadContract } from "../../support/reload-contract.ts";

reloadContract("http", async () => {
  const refusal = { status: 500, body: `{"message": "wrong field ${plantedSecret}"}` };
  const service = await startHttpService({ "/settings": { status: 204 }, "/refuse": refusal });
  const hung = await startHungServer();
  const closed = await startHttpService({});
  await closed.stop();
  return {
    success: {
      spec: { url: `${service.url}/settings`, json: { logo: "a" } },
      happened: async () => expect(service.seen.at(-1)).toMatchObject({ method: "POST", body: '{"logo":"a"}' }),
    },
    refused: {
      spec: { url: `${service.url}/refuse`, method: "PUT", body: "x" },
      says: /^PUT http:\/\/127.0.0.1:\d+\/refuse was answered with 500 instead of 2xx: .*wrong field/,
    },
    unreachable: { spec: { url: `${closed.url}/settings` } },
    hung: { spec: { url: `http://127.0.0.1:${hung.port}/` } },
    revealing: [
      {
        url: `http://admin:${plantedSecret}@host/path?token=${plantedSecret}`,
        headers: { "X-Api-Key": plantedSecret },
      },
      { url: "http://host/", json: { password: plantedSecret } },
      { url: "http://host/", login: { url: "http://host/", json: { password: plantedSecret }, token: "jwt" } },
    ],
    stop: async () => {
      await hung.stop();
      await service.stop();
    },
  };
});

describe("http reload", () => {
  let service: Awaited<ReturnType<typeof startHttpService>>;
  let loginStatus = 200;
  beforeAll(async () => {
    service = await startHttpService({
      "/settings": ({ headers }) => ({ status: headers.authorization === "Bearer t0ken-of-the-day" ? 200 : 401 }),
      "/echo": ({ headers }) => ({ status: 500, body: `you sent ${headers.authorization}` }),
      "/open": {},
      "/moved": { status: 302, headers: { Location: "/open" } },
      "/auth": () => ({ status: loginStatus, body: '{"data": {"jwt": "t0ken-of-the-day"}}' }),
    });
  });
  beforeEach(() => {
    loginStatus = 200;
    service.seen.length = 0;
  });
  afterAll(() => service?.stop());

  const send = (spec: object) => {
    const reload = reloadOf("http");
    return reload.run(reload.schema.parse(spec), actionContext());
  };
  const login = () => ({
    url: `${service.url}/auth`,
    json: { username: "admin", password: plantedSecret },
    token: "data.jwt",
  });

  test("logs in first and sends the token", async () => {
    await send({ url: `${service.url}/settings`, method: "PUT", json: {}, login: login() });
    expect(service.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /auth", "PUT /settings"]);
    expect(JSON.parse(service.seen[0]?.body ?? "")).toEqual({ username: "admin", password: plantedSecret });
  });

  test.each([400, 401, 403, 422, 429])(
    "a login answered with %i is not tried again, since services ban for that",
    async (status) => {
      loginStatus = status;
      await expect(send({ url: `${service.url}/settings`, login: login() })).rejects.toMatchObject({
        code: "RELOAD_REFUSED",
        retryable: false,
        hint: expect.stringContaining("password in the configuration"),
      });
      expect(service.seen).toHaveLength(1);
    },
  );

  test("a login that fails on the service's side is tried again", async () => {
    loginStatus = 502;
    const refused = send({ url: `${service.url}/settings`, login: login() });
    await expect(refused).rejects.toMatchObject({ code: "RELOAD_REFUSED", retryable: true });
  });

  test("an answer without the token is refused for good", async () => {
    const lost = send({ url: `${service.url}/settings`, login: { ...login(), token: "data.token" } });
    await expect(lost).rejects.toMatchObject({ code: "RELOAD_REFUSED", retryable: false });
  });

  test("a token that the service repeats is blotted out", async () => {
    const message = expect.not.stringContaining("t0ken-of-the-day");
    await expect(send({ url: `${service.url}/echo`, login: login() })).rejects.toMatchObject({ message });
  });

  test("redirects are not followed", async () => {
    await expect(send({ url: `${service.url}/moved` })).rejects.toMatchObject({ code: "RELOAD_REFUSED" });
    await send({ url: `${service.url}/moved`, expect: ["302"] });
    expect(service.seen.map(({ path }) => path)).toEqual(["/moved", "/moved"]);
  });

  test("only the expected status will do", async () => {
    await send({ url: `${service.url}/open`, expect: [200, 204] });
    await expect(send({ url: `${service.url}/open`, expect: 201 })).rejects.toThrow(/200 instead of 201/);
  });

  test("sends a file as it is at that moment; without the file there is nothing to tell", async () => {
    const { folder, release } = await leash("body");
    const file = path.join(folder, "settings.json");
    const spec = { url: `${service.url}/open`, body_file: file };
    await send(spec);
    expect(service.seen).toEqual([]);
    await writeFile(file, '{"a": "ä"}');
    await send(spec);
    expect(service.seen.at(-1)).toMatchObject({ body: '{"a": "ä"}', headers: { "content-type": "application/json" } });
    await release();
  });

  test("a body_file that is no file is refused, and not waited for", async () => {
    const { folder, release } = await leash("body");
    const pipe = path.join(folder, "pipe");
    await promisify(execFile)("mkfifo", [pipe]);
    const refused = send({ url: `${service.url}/open`, body_file: pipe });
    await expect(refused).rejects.toMatchObject({
      code: "VALUE_INVALID",
      message: expect.stringContaining("a named pipe"),
    });
    await release();
  });

  test("a % in a URL's password that nobody escaped is a %", async () => {
    const { port } = new URL(service.url);
    await send({ url: `http://admin:100%@127.0.0.1:${port}/open` });
    const authorization = `Basic ${Buffer.from("admin:100%").toString("base64")}`;
    expect(service.seen.at(-1)).toMatchObject({ headers: { authorization } });
  });

  test("a socket whose name is no valid escape is a socket that is not there", async () => {
    const reload = reloadOf("http");
    const spec = { url: "http+unix://100%/path" };
    expect(reload.describe(reload.schema.parse(spec))).toBe("POST http+unix://100%/path");
    await expect(send(spec)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });
});
