import { execFile } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDocker, type Docker } from "../../../src/platform/docker.ts";
import { eventually } from "../../support/action-context.ts";
import { type Dockerd, startDockerd } from "../../support/dockerd.ts";
import { startHttpService } from "../../support/http-service.ts";
import { type Leash, leash } from "../../support/leash.ts";
import { freePort } from "../../support/supervisord.ts";

const never = new AbortController().signal;

describe("Docker on a unix socket", () => {
  let dockerd: Dockerd;
  let docker: Docker;
  beforeAll(async () => {
    dockerd = await startDockerd();
    docker = await createDocker({ host: dockerd.host });
    await dockerd.run("web", { cmd: ["sleep", "1000"], more: { HostConfig: { RestartPolicy: { Name: "always" } } } });
  });
  afterAll(() => dockerd?.stop());

  test("agrees on the version that the server has", async () => {
    const { ApiVersion } = await dockerd.docker.version();
    expect(await docker.ping(never)).toEqual({ apiVersion: ApiVersion });
  });

  test("the setting is used although the environment says otherwise", async () => {
    process.env.DOCKER_HOST = "tcp://127.0.0.1:1";
    const other = await createDocker({ host: dockerd.host });
    expect(await other.inspect("web", never)).toMatchObject({ running: true, status: "running", health: undefined });
    delete process.env.DOCKER_HOST;
  });

  test("DOCKER_HOST is used where nothing is set", async () => {
    process.env.DOCKER_HOST = dockerd.host;
    const other = await createDocker();
    delete process.env.DOCKER_HOST;
    expect((await other.inspect("web", never)).running).toBe(true);
  });

  test("exec gives both outputs in their order, and the exit code", async () => {
    const { exitCode, output } = await docker.exec(
      "web",
      ["sh", "-c", "echo one; sleep 0.1; echo two >&2; exit 5"],
      never,
    );
    expect({ exitCode, output }).toEqual({ exitCode: 5, output: "one\ntwo\n" });
  });

  test("exec of a program that is not there is Docker's 126 or 127", async () => {
    expect([126, 127]).toContain((await docker.exec("web", ["no-such-program"], never)).exitCode);
  });

  test("a long output is cut and does not stop the command", async () => {
    const { exitCode, output } = await docker.exec("web", ["sh", "-c", "yes | head -c 1000000; echo END"], never);
    expect(exitCode).toBe(0);
    expect(output.length).toBeLessThan(65 * 1024 + 100);
    expect(output.endsWith("END\n")).toBe(true);
  });

  test("a name cannot leave its place in the URL", async () => {
    for (const name of ["web/json?", "../info", "web?all=1", ".."]) {
      await expect(docker.inspect(name, never)).rejects.toMatchObject({ code: "VALUE_INVALID" });
    }
  });

  test("a call on a stopped container is refused with Docker's words; to stop it again is fine", async () => {
    await dockerd.run("still", { cmd: ["sleep", "1000"] });
    await docker.stop("still", 0, never);
    await docker.stop("still", 0, never);
    await expect(docker.kill("still", "HUP", never)).rejects.toMatchObject({
      code: "RELOAD_REFUSED",
      retryable: true,
      message: expect.stringContaining("is not running"),
    });
    await expect(docker.exec("still", ["true"], never)).rejects.toMatchObject({ code: "RELOAD_REFUSED" });
    await docker.restart("still", 0, never);
    expect((await docker.inspect("still", never)).running).toBe(true);
  });

  test("an exec that is given up comes back in time", async () => {
    const given = docker.exec("web", ["sleep", "1000"], AbortSignal.timeout(300));
    await expect(given).rejects.toMatchObject({ code: "TIMED_OUT" });
  });

  test("a container that goes away during an exec ends it", async () => {
    await dockerd.run("brief", { cmd: ["sleep", "1000"] });
    const command = ["sh", "-c", "touch /tmp/running; sleep 1000"];
    const running = docker.exec("brief", command, AbortSignal.timeout(20_000)).then(
      ({ exitCode }) => exitCode,
      (error: { code: string }) => error.code,
    );
    await eventually(async () => {
      expect((await docker.exec("brief", ["test", "-e", "/tmp/running"], never)).exitCode).toBe(0);
    });
    await docker.restart("brief", 0, never);
    expect([137, "UNREACHABLE"]).toContain(await running);
  });

  test("a daemon that hangs costs no more than the deadline, and all is well when it wakes", async () => {
    dockerd.hang();
    await expect(docker.inspect("web", AbortSignal.timeout(300))).rejects.toMatchObject({ code: "TIMED_OUT" });
    dockerd.wake();
    expect((await docker.inspect("web", never)).running).toBe(true);
  });

  test("finds a daemon that was restarted", async () => {
    await dockerd.restart();
    expect((await docker.inspect("web", never)).id).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("Docker that is not there", () => {
  test("a missing socket is named", async () => {
    const docker = await createDocker({ host: "unix:///no/such/docker.sock" });
    await expect(docker.inspect("web", never)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
      message: expect.stringMatching(/\/no\/such\/docker\.sock: there is no such socket/),
    });
  });

  test("a port that nobody listens on is named", async () => {
    const port = await freePort();
    const docker = await createDocker({ host: `tcp://127.0.0.1:${port}` });
    await expect(docker.ping(never)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining(`127.0.0.1:${port}: nobody listens`),
    });
  });

  test("something else that answers is no Docker", async () => {
    const other = await startHttpService({ "/_ping": { body: "OK" } });
    const docker = await createDocker({ host: `tcp://127.0.0.1:${other.port}` });
    await expect(docker.ping(never)).rejects.toMatchObject({ code: "UNREACHABLE", retryable: false });
    await other.stop();
  });

  test("a daemon that was exchanged for one with another version is met on that one", async () => {
    let version = "1.47";
    const pathOf = () => `/v${version}/containers/web/json`;
    const state = { Id: "1", State: { Running: true, Status: "running" } };
    const tooOld = { status: 400, body: '{"message": "client version is too old"}' };
    const answer = (wanted: string) => () => (pathOf() === wanted ? { body: JSON.stringify(state) } : tooOld);
    const server = await startHttpService({
      "/_ping": () => ({ headers: { "Api-Version": version } }),
      "/v1.47/containers/web/json": answer("/v1.47/containers/web/json"),
      "/v1.44/containers/web/json": answer("/v1.44/containers/web/json"),
    });
    const docker = await createDocker({ host: `tcp://127.0.0.1:${server.port}` });
    expect((await docker.inspect("web", never)).running).toBe(true);
    version = "1.44";
    await expect(docker.inspect("web", never)).rejects.toMatchObject({ retryable: true });
    expect((await docker.inspect("web", never)).running).toBe(true);
    await server.stop();
  });

  test.each(["/elsewhere", "unknown:x", "http://127.0.0.1:1/"])(
    "a redirect to %s is refused, not followed",
    async (Location) => {
      const { folder, release } = await leash("redirect");
      const listen = path.join(folder, "docker.sock");
      const answers = {
        "/_ping": { headers: { "Api-Version": "1.41" } },
        "/v1.41/containers/web/json": { status: 301, headers: { Location } },
      };
      const server = await startHttpService(answers, { listen });
      const docker = await createDocker({ host: `unix://${listen}` });
      await expect(docker.inspect("web", never)).rejects.toMatchObject({ code: "RELOAD_REFUSED" });
      await server.stop();
      await release();
    },
  );

  test("a socket proxy that forbids a call says so", async () => {
    const forbidden = { status: 403, body: "<html>403 Forbidden</html>" };
    const answers = {
      "/_ping": { headers: { "Api-Version": "1.41" } },
      "/v1.41/containers/web/restart?t=0": forbidden,
    };
    const proxy = await startHttpService(answers);
    const docker = await createDocker({ host: `tcp://127.0.0.1:${proxy.port}` });
    await expect(docker.restart("web", 0, never)).rejects.toMatchObject({
      code: "RELOAD_REFUSED",
      retryable: false,
      hint: expect.stringContaining("ALLOW_RESTARTS=1"),
    });
    await proxy.stop();
  });
});

describe("Docker over TLS", () => {
  let place: Leash;
  let dockerd: Dockerd;
  let port: number;
  beforeAll(async () => {
    place = await leash("docker-tls");
    await makeCertificates(place.folder);
    port = await freePort();
    const file = (name: string) => path.join(place.folder, name);
    const pem = ["--tlscacert", file("ca.pem"), "--tlscert", file("cert.pem"), "--tlskey", file("key.pem")];
    dockerd = await startDockerd({ args: ["--host", `tcp://127.0.0.1:${port}`, "--tlsverify", ...pem] });
  });
  afterAll(async () => {
    await dockerd?.stop();
    await place?.release();
  });

  test("is reached with the certificates, from the setting or from the environment", async () => {
    const host = `tcp://127.0.0.1:${port}`;
    const set = await createDocker({ host, certificates: place.folder });
    expect((await set.ping(never)).apiVersion).toMatch(/^1\./);
    Object.assign(process.env, { DOCKER_HOST: host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: place.folder });
    const found = await createDocker();
    for (const name of ["DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"]) delete process.env[name];
    expect((await found.ping(never)).apiVersion).toMatch(/^1\./);
  });

  test("is not reached with a certificate of another authority", async () => {
    const other = path.join(place.folder, "other");
    await mkdir(other);
    await makeCertificates(other);
    await copyFile(path.join(place.folder, "ca.pem"), path.join(other, "ca.pem"));
    const docker = await createDocker({ host: `tcp://127.0.0.1:${port}`, certificates: other });
    await expect(docker.ping(never)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });
});

/** An authority, and one certificate of it that serves both the server at 127.0.0.1 and its client. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  await openssl("req", "-x509", ...newKey, "-subj", "/CN=ca", "-keyout", "ca-key.pem", "-out", "ca.pem");
  await openssl("req", ...newKey, "-subj", "/CN=docker", "-keyout", "key.pem", "-out", "request.pem");
  const uses = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
  await writeFile(path.join(folder, "uses"), uses);
  const authority = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-extfile", "uses"];
  await openssl("x509", "-req", "-in", "request.pem", ...authority, "-out", "cert.pem");
}
