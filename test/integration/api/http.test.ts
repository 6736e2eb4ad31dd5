import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultLimits, type HttpSettings, type Limits } from "../../../src/api/http/parts.ts";
import { type HttpApi, serveHttp } from "../../../src/api/http/serve.ts";
import { type Bed, createBed, forgetKnown, planted, user, whoIsKnown } from "../../unit/api/http-bed.ts";

afterAll(forgetKnown);

const run = promisify(execFile);
/** Swagger UI is a large file. */
const maxBuffer = 16 * 1024 * 1024;

let folder: string;
let api: HttpApi | undefined;
let bed: Bed;
let key: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-sync-http-"));
  bed = await createBed();
  key = (await whoIsKnown()).keyOf("admin")["x-api-key"];
});

afterEach(async () => {
  await api?.close();
  api = undefined;
  await rm(folder, { recursive: true });
});

async function serve(
  over: Partial<HttpSettings> = {},
  limits: Partial<Limits> = {},
  parts = bed.parts,
): Promise<string> {
  api = await serveHttp(parts, {
    listen: [{ host: "127.0.0.1", port: 0 }],
    hosts: [],
    cors: [],
    limits: { ...defaultLimits, ...limits },
    ...over,
  });
  return api.addresses[0] ?? "";
}

/** Status, headers in lower case and body, as curl saw them. */
async function curl(...args: string[]): Promise<{ status: number; headers: string; body: string }> {
  const { stdout } = await run("curl", ["-sS", "-i", "--max-time", "10", "-H", `x-api-key: ${key}`, ...args], {
    maxBuffer,
  });
  const answers = stdout.split(/(?=^HTTP\/1\.1 )/m);
  const [headers = "", ...body] = (answers.at(-1) ?? "").split("\r\n\r\n");
  return { status: Number(headers.split(" ")[1]), headers: headers.toLowerCase(), body: body.join("\r\n\r\n") };
}

describe("curl", () => {
  test("reads and changes values, and finds what is wrong in a problem", async () => {
    const at = `${await serve()}/api/v1/settings`;
    expect(JSON.parse((await curl(`${at}/web`)).body)).toEqual({ port: "8080" });
    const put = ["-X", "PUT", "-H", "content-type: application/json", "-H", 'if-match: "1"', "-d", '{"value":"81"}'];
    const changed = await curl(...put, `${at}/web/port`);
    expect([changed.status, changed.headers]).toEqual([200, expect.stringContaining('etag: "2"')]);
    const late = await curl(...put, `${at}/web/port`);
    expect([late.status, late.headers]).toEqual([412, expect.stringContaining("application/problem+json")]);
    expect((await curl("-I", `${at}/web`)).body).toBe("");
    expect((await curl("-X", "POST", `${at}/reload`)).status).toBe(200);
    expect(await curl("-X", "PATCH", at)).toMatchObject({
      status: 405,
      headers: expect.stringContaining("allow: get, head, put"),
    });
    expect((await curl(`${at}/../../../../etc/passwd`, "--path-as-is")).status).toBe(404);
  });

  test("meets headers against framing, sniffing and caching, and no permission for other origins", async () => {
    const { headers } = await curl("-H", "origin: https://evil.example.com", `${await serve()}/api/v1/settings`);
    for (const header of ["x-content-type-options: nosniff", "x-frame-options: deny", "cache-control: no-store"])
      expect(headers).toContain(header);
    expect(headers).not.toContain("access-control");
  });

  test("may come from the origins that the settings name, and from no other", async () => {
    const at = `${await serve({ cors: ["https://console.example.com"] })}/api/v1/settings`;
    const ask = (origin: string) =>
      curl("-X", "OPTIONS", "-H", `origin: ${origin}`, "-H", "access-control-request-method: PUT", at);
    const allowed = "access-control-allow-origin: https://console.example.com";
    expect((await ask("https://console.example.com")).headers).toContain(allowed);
    expect((await ask("https://evil.example.com")).headers).not.toContain("access-control-allow-origin");
  });

  test("is turned away when its Host header is another's name", async () => {
    const at = `${await serve({ hosts: ["console.example.com"] })}/health`;
    expect((await curl("-H", "host: evil.example.com", at)).status).toBe(400);
    expect((await curl("-H", "host: console.example.com", at)).status).toBe(200);
  });

  test("opens the page to try it, with all its files", async () => {
    const at = await serve();
    const page = await curl(`${at}/docs`);
    const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file);
    expect(files).toHaveLength(3);
    for (const file of files) expect((await curl(`${at}/${file}`)).status).toBe(200);
    expect(JSON.parse((await curl(`${at}/openapi.json`)).body).openapi).toBe("3.1.0");
  });
});

describe("a connection that is kept", () => {
  test("is everybody's who shows something on it, and nobody's who was logged out", async () => {
    const at = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    const ask = async (method: string, url: string, headers: Record<string, string>, body?: object) => {
      const asked = request(`${at}${url}`, {
        method,
        agent,
        headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
      });
      asked.on("socket", (socket) => sockets.add(socket));
      asked.end(body === undefined ? undefined : JSON.stringify(body));
      const [answer] = (await once(asked, "response")) as [IncomingMessage];
      return { status: answer.statusCode, body: await text(answer) };
    };
    const { keyOf } = await whoIsKnown();
    const put = (headers: Record<string, string>) => ask("PUT", "/api/v1/settings/web/port", headers, { value: "1" });
    expect((await put(keyOf("admin"))).status).toBe(200);
    expect((await put(keyOf("viewer"))).status).toBe(403);
    expect((await put({})).status).toBe(401);
    expect((await put({ "x-api-key": `${key}x` })).status).toBe(401);
    expect((await put({ authorization: `Bearer ${key}` })).status).toBe(200);
    const { access, refresh } = JSON.parse((await ask("POST", "/api/v1/login", {}, user)).body);
    const token = { authorization: `Bearer ${access}` };
    expect((await put(token)).status).toBe(200);
    expect((await ask("POST", "/api/v1/logout", {}, { refresh })).status).toBe(204);
    expect((await put(token)).status).toBe(401);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });
});

describe("limits", () => {
  test("of a body, of headers, of a body that never comes, and of what is no HTTP", async () => {
    const at = await serve({}, { body: 1000, requestTime: 300 });
    const large = path.join(folder, "large");
    await writeFile(large, JSON.stringify({ web: { port: "x".repeat(2000) } }));
    const put = await curl(
      "-X",
      "PUT",
      "-H",
      "content-type: application/json",
      "-d",
      `@${large}`,
      `${at}/api/v1/settings`,
    );
    expect([put.status, JSON.parse(put.body).code]).toEqual([413, "TOO_LARGE"]);
    const headers = await curl("-H", `x-large: ${"x".repeat(20_000)}`, `${at}/health`);
    expect([headers.status, JSON.parse(headers.body).code]).toEqual([431, "TOO_LARGE"]);
    expect(await raw(at, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json/s);
    expect(await raw(at, "GET /health HTTP/1.1\r\nhost: localhost\r\n")).toMatch(/^HTTP\/1.1 408 .*TIMED_OUT/s);
    expect((await curl(`${at}/health`)).status).toBe(200);
  });

  test("of requests, which say when to come back", async () => {
    const at = await serve({}, { requestsPerSecond: 1 });
    const answers = [];
    for (let round = 0; round < 4; round++) answers.push(await curl(`${at}/health`));
    const turned = answers.find(({ status }) => status === 429);
    expect(turned?.headers).toMatch(/retry-after: \d+/);
  });

  test("of readers of the events", async () => {
    const at = await serve({}, { streams: 1 });
    const first = await openStream(at);
    expect((await curl(`${at}/api/v1/events`)).status).toBe(429);
    first.response.destroy();
    await expect.poll(async () => (await curl("--max-time", "1", `${at}/metrics`)).body).toContain("event_streams 0");
  });
});

/** What a server says to bytes of our own making. */
async function raw(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  return text(socket);
}

describe("the unix socket", () => {
  test("is its owner's only, asks for no key, and makes him the author", async () => {
    const socket = path.join(folder, "api.sock");
    await serve({ listen: [{ socket }] });
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    const { stdout } = await run("curl", [
      ...["-sS", "--unix-socket", socket, "-X", "PUT", "-H", "content-type: application/json"],
      ...["-d", '{"value":"81"}', "http://any.name/api/v1/settings/web/port"],
    ]);
    expect(JSON.parse(stdout).revision).toMatchObject({ author: "owner" });
  });

  test("takes the place of one that was left behind, and of nothing else", async () => {
    const socket = path.join(folder, "api.sock");
    const left = run("node", [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    await left.catch(() => undefined);
    expect((await stat(socket)).isSocket()).toBe(true);
    await serve({ listen: [{ socket }] });
    await api?.close();
    await writeFile(socket, "a file");
    await expect(serve({ listen: [{ socket }] })).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    expect(await readFile(socket, "utf8")).toBe("a file");
  });
});

describe("an address", () => {
  test("that somebody has is refused, and none of the others stays open", async () => {
    const at = new URL(await serve());
    const first = api;
    const other = path.join(folder, "api.sock");
    const listen = [{ socket: other }, { host: "127.0.0.1", port: Number(at.port) }];
    await expect(serve({ listen })).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
      message: expect.stringContaining(at.port),
    });
    await expect(stat(other)).rejects.toThrow("ENOENT");
    api = first;
  });
});

describe("TLS", () => {
  const makeCertificate = async (name: string): Promise<{ cert: string; key: string }> => {
    const files = { cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) };
    await run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files.key, "-out", files.cert],
    ]);
    return files;
  };

  test("speaks with the user's certificate, and with the next one when that has taken its place", async () => {
    const first = await makeCertificate("first");
    const next = await makeCertificate("next");
    const tls = { cert: path.join(folder, "cert.pem"), key: path.join(folder, "key.pem") };
    await copyFile(first.cert, tls.cert);
    await copyFile(first.key, tls.key);
    const at = await serve({ listen: [{ host: "127.0.0.1", port: 0, tls }] });
    expect(at).toMatch(/^https:/);
    const answer = await curl("--cacert", tls.cert, `${at}/health`);
    expect([answer.status, answer.headers]).toEqual([200, expect.stringContaining("strict-transport-security")]);
    await copyFile(next.cert, tls.cert);
    await expect.poll(() => bed.notes.map(({ type }) => type)).toContain("trouble");
    expect(await subjectAt(at)).toBe("first");
    await copyFile(next.key, tls.key);
    await expect.poll(() => subjectAt(at)).toBe("next");
    await copyFile(first.cert, tls.cert);
    await copyFile(first.key, tls.key);
    await api?.renew();
    expect(await subjectAt(at)).toBe("first");
  });

  test("does not begin with a key that is another's", async () => {
    const first = await makeCertificate("first");
    const next = await makeCertificate("next");
    const tls = { cert: first.cert, key: next.key };
    const listen = [{ host: "127.0.0.1", port: 0, tls }];
    await expect(serve({ listen })).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    await chmod(next.key, 0o600);
  });
});

async function subjectAt(address: string): Promise<string | undefined> {
  const { hostname, port } = new URL(address);
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return [name].flat()[0];
}

interface Stream {
  readonly response: IncomingMessage;
  /** Resolves when the text that came holds this, at or behind what was waited for before, with all of it. */
  readonly until: (words: string) => Promise<string>;
}

async function openStream(address: string, headers: Record<string, string> = {}): Promise<Stream> {
  const asked = request(`${address}/api/v1/events`, { headers: { "x-api-key": key, ...headers }, agent: false });
  asked.on("error", () => undefined).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let before = "";
  let recent = "";
  const waiting = new Set<() => void>();
  response.on("error", () => undefined);
  response.setEncoding("utf8").on("data", (chunk) => {
    recent += chunk;
    for (const look of waiting) look();
  });
  const until = (words: string): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        const at = recent.indexOf(words);
        if (at < 0) return;
        before += recent.slice(0, at);
        recent = recent.slice(at);
        waiting.delete(look);
        resolve(before + recent);
      };
      waiting.add(look);
      look();
    });
  return { response, until };
}

describe("the events", () => {
  const tell = (text: string): void => bed.emit({ type: "mended", text });

  test("come as they happen, and go on after the last one seen", async () => {
    const at = await serve();
    const first = await openStream(at);
    expect(first.response.headers["content-type"]).toBe("text/event-stream");
    tell("one");
    const came = await first.until("one");
    first.response.destroy();
    tell("two");
    tell("three");
    const id = [...came.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? "";
    const second = await openStream(at, { "last-event-id": id });
    const rest = await second.until("three");
    expect([...rest.matchAll(/^data: .*"text":"(\w+)"/gm)].map(([, word]) => word)).toEqual(["two", "three"]);
    expect(rest).not.toContain("event: gap");
    second.response.destroy();
    const stranger = await openStream(at, { "last-event-id": "before-1" });
    expect(await stranger.until("three")).toContain("event: gap");
    stranger.response.destroy();
  });

  test("hold no secret, and of a change what the reader may see", async () => {
    const at = await serve();
    const stream = await openStream(at);
    const { keyOf } = await whoIsKnown();
    const narrow = await openStream(at, keyOf("narrow-viewer"));
    const body = JSON.stringify({ gitea: { user_pwd: `new-${planted}` }, web: { port: "81" } });
    await curl("-X", "PUT", "-H", "content-type: application/json", "-d", body, `${at}/api/v1/settings`);
    expect(await stream.until("gitea.user_pwd")).not.toContain(planted);
    expect(await narrow.until("web.port")).not.toContain("gitea");
    stream.response.destroy();
    narrow.response.destroy();
  });

  test("cut a reader off who reads nothing, and serve the others", async () => {
    const at = await serve();
    const { hostname, port } = new URL(at);
    const slow = connect(Number(port), hostname);
    slow.on("error", () => undefined);
    slow.write(`GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${key}\r\n\r\n`);
    slow.pause();
    const good = await openStream(at);
    await expect.poll(async () => (await curl(`${at}/metrics`)).body).toContain("event_streams 2");
    // More than the kernel keeps for a socket besides.
    for (let told = 0; told < 300; told++) {
      tell(`${told} ${"x".repeat(64 * 1024)}`);
      await good.until(`"${told} x`);
    }
    expect((await curl(`${at}/metrics`)).body).toContain("event_streams 1");
    good.response.destroy();
    slow.destroy();
  });
});

describe("fifty writers at once", () => {
  test("lose nothing", async () => {
    const at = `${await serve()}/api/v1/settings/web/port`;
    const add = async (): Promise<void> => {
      for (;;) {
        const read = await fetch(at, { headers: { "x-api-key": key } });
        const { value } = (await read.json()) as { value: string };
        const headers = {
          "x-api-key": key,
          "content-type": "application/json",
          "if-match": read.headers.get("etag") ?? "",
        };
        const { status } = await fetch(at, {
          method: "PUT",
          headers,
          body: JSON.stringify({ value: Number(value) + 1 }),
        });
        if (status === 200) return;
        expect(status).toBe(412);
      }
    };
    await Promise.all(Array.from({ length: 50 }, add));
    expect(bed.app.current().snapshot?.entries.get("web.port")?.value).toBe(`${8080 + 50}`);
  });
});

describe("the end", () => {
  const within = async (work: Promise<void>): Promise<number> => {
    const began = performance.now();
    await work;
    return performance.now() - began;
  };

  test("lets an answer finish, ends streams and idle connections, and takes no more", async () => {
    const reloading = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const reload = (): Promise<void> => {
      asked.resolve();
      return reloading.promise;
    };
    const at = await serve({}, {}, { ...bed.parts, reload });
    const agent = new Agent({ keepAlive: true });
    const idle = request(`${at}/health`, { agent }).end();
    const [hello] = (await once(idle, "response")) as [IncomingMessage];
    await text(hello);
    const stream = await openStream(at);
    const ended = once(stream.response, "end");
    const held = curl("-X", "POST", `${at}/api/v1/services/gitea/reload`);
    await asked.promise;
    const took = within(api?.close() ?? Promise.resolve());
    await ended;
    const answer = await held;
    expect([answer.status, answer.headers]).toEqual([200, expect.stringContaining("connection: close")]);
    expect(await took).toBeLessThan(2000);
    await expect(curl(`${at}/health`)).rejects.toThrow("Failed to connect");
    agent.destroy();
    reloading.resolve();
  });

  test("comes within two seconds, whoever still holds a connection", async () => {
    const never = new Promise<never>(() => undefined);
    const at = await serve({}, {}, { ...bed.parts, status: () => never });
    const { hostname, port } = new URL(at);
    const half = connect(Number(port), hostname);
    half.on("error", () => undefined);
    half.write("GET /health HTTP/1.1\r\n");
    const held = curl(`${at}/api/v1/status`).catch((error: Error) => error.message);
    const asked = await expect
      .poll(() => countConnections(Number(port)))
      .toBeGreaterThan(1)
      .then(() => within(api?.close() ?? Promise.resolve()));
    expect(asked).toBeLessThan(2000);
    expect(await held).toContain("Empty reply");
  });
});

/** Established connections to a port of this machine, as the kernel counts them. */
async function countConnections(port: number): Promise<number> {
  const table = await readFile("/proc/net/tcp", "utf8");
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").filter((line) => {
    const [, here = "", , state] = line.trim().split(/\s+/);
    return here.endsWith(local) && state === "01";
  }).length;
}
