import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultLimits, type Limits } from "../../../src/api/http/parts.ts";
import { type HttpApi, serveHttp } from "../../../src/api/http/serve.ts";
import { type Bed, createBed, forgetKnown, type Known, type Who, whoIsKnown } from "./http-bed.ts";

const section = "/api/v1/settings/gitea";
afterAll(forgetKnown);

describe("a read that is repeated on one connection", () => {
  let bed: Bed;
  let known: Known;
  let api: HttpApi;
  let agent: Agent;

  beforeEach(async () => {
    bed = await createBed();
    known = await whoIsKnown();
    await serve();
  });
  afterEach(stop);

  test("has the same answer as the first, and counts as it does", async () => {
    const [first, second] = [await get(section), await get(section)];
    const { date: _, ...headers } = first.headers;
    expect(second).toMatchObject({ status: 200, body: first.body, headers });
    const told = bed.notes.filter(({ type }) => type === "answered");
    expect(told[0]).toMatchObject({ method: "GET", route: "/api/v1/settings/:section", status: 200, who: "viewer" });
    expect(told[1]).toEqual({ ...told[0], took: expect.any(Number) });
    const { body } = await get("/metrics");
    expect(body).toContain('route="/api/v1/settings/:section",status="200"} 2\n');
  });

  test("shows a change at once", async () => {
    const before = await get(section);
    await get(section);
    await bed.app.change({ edits: [{ path: ["gitea", "http_port"], value: "4001" }], author: "test", message: "" });
    const after = await get(section);
    expect(JSON.parse(after.body)).toMatchObject({ http_port: "4001" });
    expect(after.headers.etag).not.toBe(before.headers.etag);
  });

  test("is another one with another query", async () => {
    await get(section, "admin");
    const revealed = await get(`${section}?reveal=true`, "admin");
    expect(revealed.body).not.toBe((await get(section, "admin")).body);
    expect((await get(`${section}?reveal=true`, "admin")).body).toBe(revealed.body);
  });

  test("is nobody else's, nor is what was revealed", async () => {
    await get(section);
    expect(await get(section, "stranger")).toMatchObject({ status: 403 });
    expect(await ask({ path: section, headers: { "x-api-key": "nobody" } })).toMatchObject({ status: 401 });
    expect(await get(section)).toMatchObject({ status: 200 });
  });

  test("is a matter for its route where anything else could count", async () => {
    await get(section);
    expect(await ask({ method: "HEAD", path: section })).toMatchObject({ status: 200, body: "" });
    expect(await ask({ path: section, headers: { host: "evil.example.com" } })).toMatchObject({ status: 400 });
    expect(await ask({ path: section, headers: { "content-length": "2" } }, "{}")).toMatchObject({ status: 200 });
    expect(await get(section)).toMatchObject({ status: 200 });
  });

  test("is limited in number", async () => {
    await stop();
    await serve({ requestsPerSecond: 2 });
    const answers = [];
    for (let count = 0; count < 6; count++) answers.push((await get(section)).status);
    expect(answers).toEqual([200, 200, 200, 200, 429, 429]);
  });

  async function serve(limits: Partial<Limits> = {}): Promise<void> {
    const listen = [{ host: "127.0.0.1", port: 0 }];
    api = await serveHttp(bed.parts, { listen, hosts: [], cors: [], limits: { ...defaultLimits, ...limits } });
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  async function stop(): Promise<void> {
    agent.destroy();
    await api.close();
  }

  const get = (path: string, who: Who = "viewer") => ask({ path, who });

  async function ask(
    asked: {
      readonly path: string;
      readonly method?: string;
      readonly who?: Who;
      readonly headers?: IncomingHttpHeaders;
    },
    body?: string,
  ) {
    const { path, method = "GET", who = "viewer", headers } = asked;
    const { hostname, port } = new URL(api.addresses[0] ?? "");
    const sent = request({ agent, hostname, port, path, method, headers: { ...known.keyOf(who), ...headers } });
    sent.end(body);
    const [answer] = await once(sent, "response");
    return {
      status: answer.statusCode as number,
      headers: answer.headers as IncomingHttpHeaders,
      body: await text(answer),
    };
  }
});
